/** A random history of an installation, rows of all states and ages, and what of it the job of PRUNE_CRON must delete. */
import type { Binding } from '../../src/db/session.ts';
import type { Random } from './random.ts';

export type Row = Record<string, Binding>;

/** A row of the history, and what is to become of it. */
export interface OldRow {
  table: string;
  /** The columns of its primary key. */
  key: string[];
  row: Row;
  fate: 'stays' | 'goes' | 'blank';
}

export interface History {
  rows: OldRow[];
  /** Conversations and lanes that a test goes on with. */
  conversations: { appid: string; scopeKey: string; lastIndex: number; goes: boolean }[];
  lanes: { laneId: string; appid: string }[];
}

const dayMs = 24 * 60 * 60 * 1000;
const keptDays = { plain: 3, consent: 180, dispatch: 30, event: 30, audit: 400, tokens: 8 };
/** Never on a border: between two whole days. */
const ages = [0, 1, 2, 3, 4, 7, 8, 9, 29, 30, 31, 60, 179, 180, 181, 399, 400, 500];

/** Makes a history of accounts of each kind, as it is at `now`. */
export function makeHistory(random: Random, now: number): History {
  const history: History = { rows: [], conversations: [], lanes: [] };
  let last = 0;
  const newId = (kind: string) => `${kind}${String(++last).padStart(6, '0')}`;
  const ageDays = (least = 0) => Math.max(least, random.pick(ages)) + 0.25 + random.below(50) / 100;
  const before = (days: number) => Math.round(now - days * dayMs);
  const add = (table: string, key: string[], row: Row, fate: OldRow['fate']) => {
    history.rows.push({ table, key, row, fate });
  };
  const goesIf = (goes: boolean) => (goes ? 'goes' : 'stays');

  for (const kind of ['plain', 'soon', 'consent', 'deleted', 'again'] as const) {
    for (let each = 0; each < 2; each++) addAccount(`wx_${kind}_${each}`, kind);
  }
  for (let each = 0; each < 20; each++) {
    const age = ageDays();
    const row = {
      id: newId('audit'),
      at: before(age),
      actor: 'a',
      action: 'x',
      target: 't',
      reason: 'r',
      detail: '{}',
    };
    add('audit', ['id'], row, goesIf(age > keptDays.audit));
  }
  return history;

  /** `again`: deleted, and created again after all that it has was there, so that a conversation's key tells alone. */
  function addAccount(appid: string, kind: 'plain' | 'soon' | 'consent' | 'deleted' | 'again') {
    const isDeleted = kind === 'deleted';
    const isAgain = kind === 'again';
    const keep = isDeleted ? 0 : kind === 'consent' || isAgain ? keptDays.consent : keptDays.plain;
    const consent_at = kind === 'soon' ? now + dayMs : kind === 'plain' ? null : before(1);
    const deleted_at = isDeleted ? before(0.001) : null;
    const times = { created_at: before(isAgain ? 0.1 : 600), updated_at: before(500), deleted_at };
    add('assistant', ['appid'], { appid, incarnation: isAgain ? 11 : 1, consent_at, ...times }, 'stays');
    const config = { appid, view: 'online', name: 'n', description: '', system_prompt: '' };
    add('assistant_config', ['appid', 'view'], config, goesIf(isDeleted));
    const today = Math.floor((now + 8 * 3600_000) / dayMs);
    for (const days of [0, 7, 10, 30]) {
      const row = { appid, day: today - days, tokens: 5 };
      add('token_use', ['appid', 'day'], row, goesIf(isDeleted || days > keptDays.tokens));
    }
    const notices = new Map<string, boolean>();
    for (const state of ['live', 'deleted'] as const)
      addBase(appid, state === 'deleted' || isDeleted, isDeleted, notices);
    addLane(
      appid,
      `account:${appid}`,
      isDeleted,
      [...notices].map(([dedupeKey]) => ({ dedupeKey })),
      notices,
    );
    for (let each = 0; each < 6; each++) {
      const isEarlier = isAgain && each % 2 === 0;
      addConversation(appid, isEarlier ? 0 : keep, { isDeleted, incarnation: isAgain ? (isEarlier ? 2 : 11) : 1 });
    }
  }

  /** Dispatches of a lane; tells of each whether it is left, by its dedupe key. */
  function addLane(
    appid: string,
    lane_id: string,
    isDeleted: boolean,
    wanted: { dedupeKey: string; messageId?: string; messageGoes?: boolean; state?: string }[],
    left: Map<string, boolean> = new Map(),
  ) {
    let isKept = false;
    let isPending = false;
    wanted.forEach(({ dedupeKey, messageId, messageGoes = false, state: given }, at) => {
      const settled = random.pick(['delivered', 'delivered', 'expired', 'dead', 'cancelled'] as const);
      const state = given ?? (isDeleted || !random.chance(0.2) ? settled : 'pending');
      const age = ageDays();
      const ends = state !== 'pending' && (isDeleted || age > keptDays.dispatch);
      const withMessage = messageGoes && (state === 'delivered' || state === 'cancelled');
      const goes = ends || withMessage;
      const dispatch_id = newId('d');
      const row = {
        ...{ dispatch_id, lane_id, sequence: at + 1, dedupe_key: dedupeKey, kind: 'test', appid, state },
        ...{ message_id: messageId ?? null, payload: 'words', fallback_payload: 'words', expires_at: now },
        ...{ created_at: before(age + 0.01), settled_at: state === 'pending' ? null : before(age) },
      };
      const blank = messageGoes && (state === 'dead' || state === 'expired');
      add('dispatch', ['dispatch_id'], row, goes ? 'goes' : blank ? 'blank' : 'stays');
      const tried = { attempt: 1, outcome: 'x', kind: 'test', route: 'first', started_at: 1, ended_at: 2 };
      add('dispatch_attempt', ['dispatch_id', 'attempt', 'outcome'], { dispatch_id, ...tried }, goesIf(goes));
      left.set(dedupeKey, !goes);
      isKept ||= !goes;
      isPending ||= state === 'pending';
    });
    const held = !isDeleted && random.chance(0.2);
    const due_at = held || isPending ? before(-1) : null;
    const row = { lane_id, appid, due_at, lease_token: held ? newId('t') : null, last_sequence: wanted.length };
    add('lane', ['lane_id'], row, goesIf(isDeleted || (!isKept && due_at === null)));
    if (!isDeleted) history.lanes.push({ laneId: lane_id, appid });
  }

  function addConversation(
    appid: string,
    keep: number,
    { isDeleted, incarnation }: { isDeleted: boolean; incarnation: number },
  ) {
    const conversation_id = newId('c');
    const dispatches: { dedupeKey: string; messageId: string; messageGoes: boolean; state: string }[] = [];
    let isKept = false;
    let isPending = false;
    let index = 0;
    let youngest = Number.POSITIVE_INFINITY;
    const common = { conversation_id, appid, channel: 'live', openid: 'user', msg_type: 'text', content: 'words' };
    for (let each = random.below(6); each > 0; each--) {
      const age = ageDays();
      youngest = Math.min(youngest, age);
      const question = newId('m');
      const ended = random.pick(['answered', 'answered', 'fixed', 'cancelled']);
      const state = isDeleted || !random.chance(0.15) ? ended : 'pending';
      const settled = random.pick(['delivered', 'dead', 'expired', 'cancelled']);
      const delivery = isDeleted || !random.chance(0.15) ? settled : 'pending';
      const isAnswered = state === 'answered' || state === 'fixed';
      const isOwed = state === 'pending' || (isAnswered && delivery === 'pending');
      const goes = age > keep && !isOwed;
      const row = { ...common, message_id: question, msgid: question, message_index: ++index, speaker: 'user', state };
      add('message', ['message_id'], { ...row, answers: null, created_at: before(age) }, goesIf(goes));
      isKept ||= !goes;
      isPending ||= state === 'pending';
      if (!isAnswered) continue;
      const answerAge = Math.max(0.25, age - random.pick([0, 0, 2]));
      const answerGoes = answerAge > keep && !isOwed;
      const answer = { ...common, message_id: newId('m'), msgid: null, message_index: ++index, speaker: 'assistant' };
      const answered = { ...answer, state, answers: question, created_at: before(answerAge) };
      add('message', ['message_id'], answered, goesIf(answerGoes));
      isKept ||= !answerGoes;
      add(
        'explanation',
        ['message_id'],
        { message_id: question, body: 'words', created_at: before(age) },
        goesIf(goes),
      );
      const [messageId, messageGoes] = [question, goes];
      dispatches.push({ dedupeKey: `reply:${question}:all`, messageId, messageGoes, state: delivery });
    }
    const held = !isDeleted && random.chance(0.15);
    const age = Number.isFinite(youngest) ? youngest : ageDays();
    const scopeKey = `wxmp:${incarnation}:live:${conversation_id}`;
    const due_at = isPending || held ? before(-1) : null;
    const goes = !isKept && age > keep && due_at === null;
    const lease = { due_at, lease_token: held ? newId('t') : null };
    const row = { conversation_id, appid, scope_key: scopeKey, last_index: index, updated_at: before(age), ...lease };
    add('conversation', ['conversation_id'], row, goesIf(goes));
    addLane(appid, `conversation:${conversation_id}`, isDeleted, dispatches);
    if (!isDeleted) history.conversations.push({ appid, scopeKey, lastIndex: index, goes });
  }

  /** A base with documents, bans, passages and events; `notices` gets the dedupe keys of the events' notices. */
  function addBase(appid: string, isDeleted: boolean, isAccountDeleted: boolean, notices: Map<string, boolean>) {
    const knowledge_id = newId('kb');
    const base_no = ++last;
    const age = ageDays();
    const times = { created_at: before(600), updated_at: before(age), deleted_at: isDeleted ? before(age) : null };
    const rowGoes = isDeleted && (isAccountDeleted || age > keptDays.event);
    add('knowledge', ['knowledge_id'], { knowledge_id, appid, base_no, type: 1, name: 'n', ...times }, goesIf(rowGoes));
    const held = !isDeleted && random.chance(0.3);
    const lease = { due_at: held ? before(-1) : null, lease_token: held ? newId('t') : null };
    add('learning', ['knowledge_id'], { knowledge_id, appid, phase: 'idle', ...lease }, goesIf(isDeleted));
    const ban = { knowledge_id, article_id: 'a', msgidx: 0, hidden: 1 };
    add('article_ban', ['knowledge_id', 'article_id', 'msgidx'], ban, goesIf(isDeleted));
    add('index_base', ['base_no'], { base_no, generation: 1, tokenizer_version: 9 }, goesIf(isDeleted));
    const block = { base_no, generation: 1, term: 1, block: 1, data: new Uint8Array([1]) };
    add('index_block', ['base_no', 'generation', 'term', 'block'], block, goesIf(isDeleted));
    for (let each = 0; each < 8; each++) {
      const document_id = newId('doc');
      const state = random.pick([8, 8, 5, 4]);
      const to_sweep = random.chance(0.2) ? 1 : 0;
      const hasPassages = random.chance(state === 8 ? 0.2 : 1);
      const awaited = !isDeleted && random.chance(0.2);
      const updated = ageDays();
      const goes = state === 8 && updated > keptDays.event && to_sweep === 0 && !hasPassages && !awaited && !held;
      const names = { source_key: `article:${document_id}:1`, article_id: document_id, msgidx: 1, title: '', url: '' };
      const dates = { created_at: before(600), updated_at: before(updated) };
      const row = { document_id, knowledge_id, appid, ...names, file_type: 'HTML', state, to_sweep, ...dates };
      add('document', ['document_id'], row, goesIf(goes || isDeleted));
      if (hasPassages) {
        const passage = { base_no, ordinal: each, document_id, heading: '', text: 'x' };
        add('passage', ['base_no', 'ordinal'], passage, goesIf(isDeleted));
      }
      if (awaited) addEvent(`article:${document_id}`, 'pending');
    }
    for (let each = 0; each < 8; each++) addEvent('article:none', random.pick(['done', 'done', 'dead', 'cancelled']));

    function addEvent(document_key: string, state: string) {
      const event_id = newId('e');
      const dedupeKey = `event:${knowledge_id}:${event_id}`;
      if (state === 'done' && random.chance(0.7)) notices.set(dedupeKey, false);
      const eventAge = ageDays();
      const what = { event_type: 5, payload: '{}', payload_hash: '', created_at: before(eventAge) };
      const row = { appid, event_id, knowledge_id, sequence: ++last, document_key, state, ...what };
      const isOver = state !== 'pending' && eventAge > keptDays.event;
      // Decided when it is known whether its notice is left.
      history.rows.push({
        ...{ table: 'article_event', key: ['appid', 'event_id'], row },
        get fate() {
          return goesIf(isAccountDeleted || (isOver && notices.get(dedupeKey) !== true));
        },
      });
    }
  }
}

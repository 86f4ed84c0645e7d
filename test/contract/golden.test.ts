import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import { http } from '../../gen/google/api/annotations_pb.ts';
import { ArticleService } from '../../gen/wxmp/article/v1/article_pb.ts';
import { AssistantService } from '../../gen/wxmp/assistant/v1/assistant_pb.ts';
import { BizcommService } from '../../gen/wxmp/bizcomm/v1/bizcomm_pb.ts';
import { KnowledgeService } from '../../gen/wxmp/knowledge/v1/knowledge_pb.ts';
import { MessageService } from '../../gen/wxmp/message/v1/message_pb.ts';
import { dialects } from '../support/databases.ts';
import { checkGolden, goldenNames, normalise, readGolden } from '../support/golden.ts';
import { startRecorder } from '../support/recorder.ts';
import { article, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';
import { captureCalls } from './called-cases.ts';
import { type Case, cases } from './served-cases.ts';

const served: DescService[] = [AssistantService, KnowledgeService, ArticleService, MessageService];
const nameOf = ({ parent, name }: DescMethod) => `${parent.name}.${name}`;
const pathsOf = (method: DescMethod) => {
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings].map(({ pattern }) => String(pattern.value));
};

for (const { name: dialect } of dialects) {
  describe(`what we serve, on ${dialect}`, () => {
    const appid = 'wx_golden';
    const articles = [
      article('a1', '本馆的成人票是 168 元，儿童票是 98 元。', '企鹅馆的室温是三摄氏度。'),
      article('a2', '停车场在潮声街，每小时四元。'),
    ];
    let service: Service;
    const seen = new Map<string, unknown[]>();
    before(async () => {
      service = await startService({ dialect, articles });
      const kept = new Map<string, string>();
      for (const each of cases) await exchange(each, kept);
    });
    after(() => service?.stop());

    async function exchange([path, says, body, { keeps, after: what } = {}]: Case, kept: Map<string, string>) {
      if (what !== undefined) await until(`${says}: ready`, () => isReady(what));
      const url = `${service.app.url}/api/wxmp/${path}`;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: [...kept].reduce((text, [name, value]) => text.replaceAll(`<${name}>`, value), JSON.stringify(body)),
      });
      const text = await response.text();
      if (keeps !== undefined) kept.set(keeps, new RegExp(`"${keeps}":"([^"]+)"`).exec(text)![1]!);
      const values = [...kept].map(([name, value]) => [value, `<${name}>`] as const);
      const answer = normalise(text, [...values, [service.wechat.url, '<wechat>'], ...expertsOwn]);
      const lines = answer
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      // A stream may have any number of drafts before its answer.
      const told = lines.length === 1 ? { body: lines[0] } : { last_lines: lines.slice(-2) };
      const method = served
        .flatMap(({ methods }) => methods)
        .find((each) => pathsOf(each).includes(`/api/wxmp/${path}`));
      const name = nameOf(method!);
      const type = response.headers.get('content-type');
      const request = { path: `/api/wxmp/${path}`, body };
      seen.set(name, [
        ...(seen.get(name) ?? []),
        { says, request, answer: { status: response.status, type, ...told } },
      ]);
    }

    async function isReady(what: 'learned' | 'updated' | { answered: string }): Promise<boolean> {
      if (typeof what === 'object') {
        const { deliveries } = await service.call('/api/wxmp/message/explain', { appid, msgid: what.answered });
        return deliveries?.[0]?.state === 'delivered';
      }
      const { status } = await service.call('/api/wxmp/assistant/detail', { appid });
      return status === (what === 'learned' ? 2 : 4);
    }

    for (const method of served.flatMap(({ methods }) => methods)) {
      test(`${nameOf(method)} answers as its golden file says`, () => {
        checkGolden(nameOf(method), seen.get(nameOf(method)));
      });
    }
  });

  describe(`what we call, on ${dialect}`, () => {
    let seen: Awaited<ReturnType<typeof captureCalls>>;
    before(async () => {
      const recorder = await startRecorder();
      seen = await captureCalls(dialect, recorder).finally(recorder.close);
    });
    for (const method of BizcommService.methods) {
      test(`${method.name} is sent as its golden file says`, () => {
        checkGolden(nameOf(method), seen.get(method.name));
      });
    }
  });
}

test('every method of the contract has a golden file, and every golden file a method', () => {
  const methods = [...served, BizcommService].flatMap((service) => service.methods.map(nameOf));
  assert.deepEqual(goldenNames().sort(), methods.sort());
  for (const name of methods) assert.ok(readGolden(name).length > 0, `${name} has an exchange`);
});

test('every path that is served has a case', () => {
  const paths = served.flatMap(({ methods }) => methods.flatMap(pathsOf));
  const tried = new Set(cases.map(([path]) => `/api/wxmp/${path}`));
  assert.deepEqual([...tried].sort(), paths.sort());
});

/** What the expert and the search decide is no part of the contract. */
const expertsOwn: (readonly [RegExp, string])[] = [
  [/"(score|support|threshold)":\d[\d.e-]*/g, '"$1":"<number>"'],
  [/"cited":(true|false)/g, '"cited":"<true or false>"'],
  [/"searched":"[^"]+"/g, '"searched":"<text>"'],
  [/"text":"[^"]*(?=","is_final")/g, '"text":"<answer>'],
];

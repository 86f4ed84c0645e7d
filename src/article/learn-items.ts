import type { Tx } from '../db/tx.ts';
import { findDocument, removeDocument, sourceKey } from '../knowledge/document.ts';
import { learnDocument } from '../knowledge/learn-document.ts';
import type { Base } from '../knowledge/store.ts';
import { writeIndex } from '../retrieval/index-passages.ts';
import { loadBans } from './ban-store.ts';
import type { FetchedItem } from './fetch.ts';
import { withdrawLearned } from './withdraw.ts';

/** What a step changed. */
export interface Learned {
  learned: number;
  removed: number;
}

/** Makes a base hold these items as they were fetched, in the transaction of the holder of its lease. */
export async function learnItems(
  tx: Tx,
  base: Base,
  items: readonly FetchedItem[],
  syncId: string | null = null,
): Promise<Learned> {
  const articleIds = [...new Set(items.map(({ articleId }) => articleId))];
  const isHidden = await loadBans(tx, base.knowledgeId, articleIds);
  const result: Learned = { learned: 0, removed: 0 };
  await writeIndex(tx, base.baseNo, async (index) => {
    for (const { articleId, msgidx, content } of items) {
      const origin = { kind: 'article', articleId, msgidx } as const;
      if (content !== undefined) {
        await learnDocument(tx, base, origin, content, { hidden: isHidden(articleId, msgidx), syncId, index });
        result.learned++;
      } else {
        const known = await findDocument(tx, base.knowledgeId, sourceKey(origin));
        if (known !== undefined) await removeDocument(tx, known.documentId);
        result.removed++;
      }
    }
  });
  await withdrawLearned(tx, base, articleIds);
  return result;
}

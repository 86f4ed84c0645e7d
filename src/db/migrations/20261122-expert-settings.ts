import type { Migration } from '../migrate.ts';
import { addColumns } from '../schema.ts';

/** What answers, in each configuration. The defaults are what the binary before did. */
export const expertSettings: Migration = {
  name: '20261122-expert-settings',
  async run(session) {
    await addColumns(session, 'assistant_config', [
      'expert_kind int not null default 0', // of the contract's ExpertKind
      "expert_address varchar(255) not null default ''",
      'expert_timeout_ms bigint not null default 0', // 0: as long as ANSWER_TIMEOUT_MS allows
      'expert_threshold double null', // null: the installation's
    ]);
  },
};

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PauseSchema, PauseScope } from '../../gen/dispatch/v1/dispatch_pb.ts';
import { appidScope, globalScope, integrationScope, type PauseRow } from './pause-store.ts';

/** The scope that the contract names, as it is stored. The contract's rules make sure that there is one. */
export function scopeOf(scope: PauseScope | undefined): string {
  switch (scope?.scope.case) {
    case 'appid':
      return appidScope(scope.scope.value);
    case 'integrationId':
      return integrationScope(scope.scope.value);
    default:
      return globalScope;
  }
}

/** A pause as the contract has it. */
export function toPause({ scope, since, actor, reason }: PauseRow): MessageInitShape<typeof PauseSchema> {
  return { scope: { scope: toScope(scope) }, since: Math.floor(since / 1000), actor, reason };
}

function toScope(scope: string) {
  const id = scope.slice(scope.indexOf(':') + 1);
  if (scope === appidScope(id)) return { case: 'appid', value: id } as const;
  if (scope === integrationScope(id)) return { case: 'integrationId', value: id } as const;
  return { case: 'everything', value: true } as const;
}

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { ValidationError, type Validator } from '@bufbuild/protovalidate';
import { AppError } from './errors.ts';

/** Throws an AppError that names the first field that breaks a rule, and the rule. */
export function checkRules<Desc extends DescMessage>(
  validator: Validator,
  schema: Desc,
  message: MessageShape<Desc>,
): void {
  const result = validator.validate(schema, message);
  if (result.kind === 'valid') return;
  if (!(result.error instanceof ValidationError)) throw result.error;
  const violation = result.error.violations[0]!;
  const field = pathToString(violation.field);
  // Rules of a whole message begin with the name of the field that they are about.
  throw new AppError('INVALID_FIELD', field === '' ? violation.message : joinField(field, violation.message));
}

/** A rule of a message inside a list names a field of it: item[0] and "file_id: …" make "item[0].file_id: …". */
function joinField(field: string, message: string): string {
  return /^[a-z_.]+: /.test(message) ? `${field}.${message}` : `${field}: ${message}`;
}

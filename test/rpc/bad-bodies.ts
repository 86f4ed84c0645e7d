/** Bodies that break one rule of the contract each, made from its descriptors and rules. */
import { type DescField, type DescMessage, getOption, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { type FieldRules, field as rulesOption } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** A body and what is to be said of it. */
export interface Body {
  what: string;
  body: JsonValue;
  /** Unset: the same as of a body without the field. 0: anything but a complaint about its length. */
  errcode: 40001 | 40002 | 0 | undefined;
  /** The field that errmsg has to name. */
  path: string;
}

type Path = readonly (string | number)[];
type Json = Record<string, JsonValue>;
type Put = [what: string, value: JsonValue, errcode: Body['errcode'], below?: Path];

/** For each field of a message, also inside of it, bodies with something bad in its place. */
export function* badBodies(message: DescMessage, valid: Json, at: Path = []): Generator<Body[]> {
  for (const field of message.fields) {
    const here = [...at, field.name];
    const bodies = putsOf(field).map(([what, value, errcode, below = []]) => ({
      what: `${what} as ${toText([...here, ...below])}`,
      body: put(valid, here, value),
      errcode,
      path: toText([...here, ...below]),
    }));
    yield bodies;
    const inner = field.fieldKind === 'list' ? [...here, 0] : here;
    if (field.message !== undefined) yield* badBodies(field.message, valid, inner);
  }
}

export function toText(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

function putsOf(field: DescField): Put[] {
  const rules = getOption(field, rulesOption);
  const absent: Put = ['null', null, rules.required ? 40001 : undefined];
  if (field.fieldKind === 'list') return [absent, ...listPuts(field, rules)];
  const missing: Put[] = rules.required ? [[`no`, undefined as unknown as JsonValue, 40001]] : [];
  return [absent, ...missing, ...singlePuts(field, rules)];
}

/** What an element may not be, the list may not hold. */
function listPuts(field: DescField & { fieldKind: 'list' }, rules: FieldRules): Put[] {
  const list = rules.type.case === 'repeated' ? rules.type.value : undefined;
  const puts: Put[] = wrongTypes('array').map((value) => [JSON.stringify(value), value, 40002]);
  puts.push(['a list with null', [null], 40002, [0]]);
  const elements = singlePuts(field, list?.items);
  for (const [what, value, errcode, below = []] of elements) puts.push([`[${what}]`, [value], errcode, [0, ...below]]);
  const one = field.message === undefined ? (field.scalar === ScalarType.STRING ? 'x' : 1) : {};
  const many = (length: number) => Array.from({ length }, (_, index) => (one === 'x' ? `x${index}` : one));
  if (list?.maxItems) puts.push(['one item too many', many(Number(list.maxItems) + 1), 40001]);
  if (list?.unique) puts.push(['the same twice', ['x', 'x'], 40001]);
  return puts;
}

function singlePuts(field: DescField, rules: FieldRules | undefined): Put[] {
  if (field.message !== undefined) return wrongTypes('object').map((value) => [JSON.stringify(value), value, 40002]);
  if (field.enum !== undefined)
    return enumPuts(
      field.enum.values.map(({ number }) => number),
      rules,
    );
  if (field.scalar === ScalarType.STRING) return stringPuts(rules);
  if (field.scalar === ScalarType.BOOL)
    return wrongTypes('boolean').map((value) => [JSON.stringify(value), value, 40002]);
  if (field.scalar === ScalarType.DOUBLE) return doublePuts(rules);
  return numberPuts(rules, field.scalar === ScalarType.UINT32 ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1]);
}

function stringPuts(rules: FieldRules | undefined): Put[] {
  const puts: Put[] = wrongTypes('string').map((value) => [JSON.stringify(value), value, 40002]);
  puts.push(['a lone surrogate', 'a\ud800', 40001]);
  const rule = rules?.type.case === 'string' ? rules.type.value : undefined;
  if (rules?.required || rule?.minLen) puts.push(['an empty string', '', 40001]);
  if (rule?.in.length) puts.push(['a word that is not in the list', 'nonsense', 40001]);
  if (rule?.maxLen) {
    const length = Number(rule.maxLen);
    puts.push(['one letter too many', 'a'.repeat(length + 1), 40001]);
    puts.push(['one sign of two UTF-16 units too many', '🐧'.repeat(length + 1), 40001]);
    puts.push(['as many letters as there may be', 'a'.repeat(length), 0]);
    puts.push(['as many signs of two UTF-16 units as there may be', '🐧'.repeat(length), 0]);
  }
  // A pattern is that of ids: white space and control characters are forbidden there, and harmless elsewhere.
  const controls = ['a\u0000', '\u0007a', 'a\nb', 'a b', 'a\u007f'];
  for (const value of controls) puts.push([JSON.stringify(value), value, rule?.pattern || rule?.in.length ? 40001 : 0]);
  return puts;
}

function numberPuts(rules: FieldRules | undefined, [least, most]: [number, number]): Put[] {
  const puts: Put[] = wrongTypes('number').map((value) => [JSON.stringify(value), value, 40002]);
  puts.push(['a number in words', 'three', 40002], ['a fraction', 1.5, 40001]);
  puts.push(['a number below its type', least - 1, 40001], ['a number above its type', most + 1, 40001]);
  const rule = rules?.type.case === 'uint32' || rules?.type.case === 'int32' ? rules.type.value : undefined;
  if (rule?.lessThan.case === 'lte') puts.push(['one too much', rule.lessThan.value + 1, 40001]);
  if (rule?.greaterThan.case === 'gte' && rule.greaterThan.value > least) {
    puts.push(['one too little', rule.greaterThan.value - 1, 40001]);
  }
  return puts;
}

function doublePuts(rules: FieldRules | undefined): Put[] {
  const puts: Put[] = wrongTypes('number').map((value) => [JSON.stringify(value), value, 40002]);
  for (const word of ['three', 'NaN', 'Infinity', '0.5']) puts.push([word, word, 40002]);
  const rule = rules?.type.case === 'double' ? rules.type.value : undefined;
  if (rule?.lessThan.case === 'lte') puts.push(['a little too much', rule.lessThan.value + 0.01, 40001]);
  if (rule?.greaterThan.case === 'gte') puts.push(['a little too little', rule.greaterThan.value - 0.01, 40001]);
  return puts;
}

function enumPuts(values: number[], rules: FieldRules | undefined): Put[] {
  const puts: Put[] = wrongTypes('number').map((value) => [JSON.stringify(value), value, 40002]);
  puts.push(['a word', 'nonsense', 40002], ['digits in a string', '4', 40002], ['a fraction', 1.5, 40001]);
  puts.push(['a number above its type', 2 ** 31, 40001]);
  const rule = rules?.type.case === 'enum' ? rules.type.value : undefined;
  if (rule?.definedOnly || rule?.in.length) puts.push(['a value that there is not', Math.max(...values) + 1, 40001]);
  const outside = values.find((value) => value > 0 && rule?.in.length && !rule.in.includes(value));
  if (outside !== undefined) puts.push(['a value that is not meant here', outside, 40001]);
  return puts;
}

/** A number in digits is a number too, as JSON has it in protobuf; hence no string for those. */
function wrongTypes(right: 'string' | 'number' | 'boolean' | 'object' | 'array'): JsonValue[] {
  const values = { string: 'x', number: 5, boolean: true, object: { of: 1 }, array: ['x'] };
  if (right === 'number') return [values.boolean, values.object, values.array];
  return Object.entries(values).flatMap(([type, value]) => (type === right ? [] : [value]));
}

/** A copy with something else at a path. */
function put(json: JsonValue, [first, ...rest]: Path, value: JsonValue): JsonValue {
  if (first === undefined) return value;
  const at = (json as Record<string | number, JsonValue>)[first];
  if (rest.length > 0 && at === undefined) throw new Error(`the valid body has no ${first}`);
  if (Array.isArray(json)) return json.with(Number(first), put(at!, rest, value));
  return { ...(json as Json), [first]: put(at ?? null, rest, value) };
}

import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { AppError, invalidField } from '../errors.ts';

/**
 * Checks a body against its message before it is decoded, to name the field that is wrong: another type than the
 * contract's is WRONG_SHAPE, a number out of its type's range INVALID_FIELD. Unknown keys are ignored, null is absent.
 */
export function checkShape(message: DescMessage, json: JsonObject, path = ''): void {
  for (const field of message.fields) {
    const value = json[field.name] ?? json[field.jsonName];
    if (value !== undefined && value !== null) checkField(field, value, path + field.name);
  }
}

function checkField(field: DescField, value: JsonValue, path: string): void {
  if (field.fieldKind !== 'list') {
    checkSingle(field, value, path);
    return;
  }
  if (!Array.isArray(value)) throw wrongShape(path, 'an array');
  value.forEach((element, index) => {
    checkSingle(field, element, `${path}[${index}]`);
  });
}

function checkSingle(field: DescField, value: JsonValue, path: string): void {
  if (field.message !== undefined) {
    if (!isObject(value)) throw wrongShape(path, 'an object');
    checkShape(field.message, value, `${path}.`);
  } else if (field.enum !== undefined) {
    const isName = typeof value === 'string' && field.enum.values.some(({ name }) => name === value);
    if (!isName) checkNumber(value, path, -(2 ** 31), 2 ** 31 - 1);
  } else if (field.scalar === ScalarType.STRING) {
    if (typeof value !== 'string') throw wrongShape(path, 'a string');
    if (!value.isWellFormed()) throw invalidField(path, 'must be valid Unicode');
  } else if (field.scalar === ScalarType.BOOL) {
    if (typeof value !== 'boolean') throw wrongShape(path, 'true or false');
  } else if (field.scalar === ScalarType.UINT32) {
    checkWhole(value, path, 0, 2 ** 32 - 1);
  } else if (field.scalar === ScalarType.INT32) {
    checkWhole(value, path, -(2 ** 31), 2 ** 31 - 1);
  } else if (field.scalar === ScalarType.DOUBLE) {
    if (typeof value !== 'number') throw wrongShape(path, 'a number');
    if (!Number.isFinite(value)) throw invalidField(path, 'must be a finite number');
  }
}

/** A number, or its digits in a string, which the JSON form of protobuf takes as well. */
function checkWhole(value: JsonValue, path: string, min: number, max: number): void {
  checkNumber(typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value, path, min, max);
}

function checkNumber(value: JsonValue, path: string, min: number, max: number): void {
  if (typeof value !== 'number') throw wrongShape(path, 'a number');
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalidField(path, `must be a whole number from ${min} to ${max}`);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrongShape(path: string, expected: string): AppError {
  return new AppError('WRONG_SHAPE', `${path}: must be ${expected}`);
}

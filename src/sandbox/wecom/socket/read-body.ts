import type { z } from 'zod';
import { codes, Refused } from './refused.ts';

/** Reads what a frame holds. Throws a Refused that names the first field that is wrong. */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  const [issue] = error.issues;
  throw new Refused(codes.badParameter, `${issue?.path.join('.')}: ${issue?.message}`);
}

import type { SandboxItem, SandboxMessage } from './types.ts';

/** A publish message timed by its id: 10:00 China time on the id's date, plus a minute per serial number. */
export function message(articleId: string, items: SandboxItem[]): SandboxMessage {
  const [, year, month, day, serial] = /^qy_(\d{4})(\d{2})(\d{2})_(\d{3})$/.exec(articleId) ?? [];
  if (serial === undefined) throw new Error(`not a sandbox article id: ${articleId}`);
  const morning = Date.parse(`${year}-${month}-${day}T10:00:00+08:00`) / 1000;
  return { articleId, createTime: morning + Number(serial) * 60, items };
}

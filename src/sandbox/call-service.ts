/** Calls the service as the WeChat side does. Throws when it refuses. */
export async function callService<T>(service: CalledService, path: string, body: unknown): Promise<T> {
  const { url, token } = service;
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as T & { errcode: number; errmsg: string };
  if (answer.errcode !== 0) throw new Error(`${path}: ${answer.errcode} ${answer.errmsg}`);
  return answer;
}

/** Where the service is, and WXMP_TOKEN where it is set. */
export interface CalledService {
  url: string;
  token: string | undefined;
}

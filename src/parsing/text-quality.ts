export const MIN_QUALITY = 0.5;
export function judgeText(_text: string): number {
  return 1;
}

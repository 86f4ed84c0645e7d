/** What WeCom says to a frame that it does not take. */
export class Refused extends Error {
  readonly errcode: number;

  constructor(errcode: number, message: string) {
    super(message);
    this.name = 'Refused';
    this.errcode = errcode;
  }
}

/** WeCom's codes, those that the sandbox uses. */
export const codes = {
  conflict: 6000,
  badMedia: 40_007,
  badType: 40_008,
  badParameter: 40_058,
  knownTask: 42_014,
  tooLong: 45_002,
  tooOften: 45_009,
  badChat: 93_006,
  badRequest: 846_605,
  responded: 846_606,
  tooFrequent: 846_607,
  expired: 846_608,
  notSubscribed: 846_609,
  badCredentials: 853_000,
} as const;

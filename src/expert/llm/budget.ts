/** Replaces what was set aside by what was used, which may be more. */
export type SettleTokens = (used: number) => Promise<void>;

/** How many tokens each account may still take. What keeps it is shared by all replicas. */
export interface TokenBudget {
  /** Sets tokens aside before the model is asked. Undefined: there are not so many left, and nothing was set aside. */
  reserve(account: string, tokens: number): Promise<SettleTokens | undefined>;
}

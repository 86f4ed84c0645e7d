/** See db/lease.ts. */
export const leaseColumns = ['due_at bigint null', 'lease_token varchar(36) null'];

/** Begun and ended tries: the difference counts deaths in mid-try, and so finds what kills the process. */
export const tryColumns = ['started bigint not null default 0', 'finished bigint not null default 0'];

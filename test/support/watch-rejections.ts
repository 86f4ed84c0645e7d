/** What nobody has caught in this process, while it is watched. */
export interface RejectionWatch {
  /** Unhandled rejections and uncaught exceptions. */
  seen: unknown[];
  stop(): void;
}

export function watchRejections(): RejectionWatch {
  const seen: unknown[] = [];
  const note = (error: unknown) => void seen.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  return { seen, stop: () => void process.off('unhandledRejection', note).off('uncaughtException', note) };
}

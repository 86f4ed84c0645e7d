/** What can be set from outside. */
export interface Settings {
  /** A folder with cmrc2018/{trial,dev}.json; without one, the project's own texts are the material. */
  data: string | undefined;
  /** Passages of the large base, and of the small one. */
  passages: number;
  smallPassages: number;
  /** Ordinary questions, and questions of many terms. */
  questions: number;
  longQuestions: number;
  /** Copies of the small base that lie in the same database. */
  otherBases: number;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const number = (name: string, standard: number) => {
    const value = Number(env[name] ?? standard);
    if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: expected a whole number from 1`);
    return value;
  };
  const passages = number('BENCH_PASSAGES', 100_000);
  return {
    data: env.EVAL_DATA,
    passages,
    smallPassages: number('BENCH_SMALL_PASSAGES', Math.ceil(passages / 10)),
    questions: number('BENCH_QUESTIONS', 1000),
    longQuestions: number('BENCH_LONG_QUESTIONS', 200),
    otherBases: number('BENCH_OTHER_BASES', 50),
  };
}

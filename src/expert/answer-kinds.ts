/**
 * What an answer looks like: who asks for a price is answered by a sentence with a sum in it. The kinds only weigh in
 * among sentences that are about the question; none of them makes an answer.
 */

const amount = '[\\d一二三四五六七八九十百千万亿两半]';

const kinds: { asked: RegExp; given: RegExp }[] = [
  {
    asked: /多少钱|价格|价钱|收费|费用|票价|几块|要钱|收钱|奖金|工资|月薪|[扣收付卖]多少/,
    given: new RegExp(`${amount}\\s*(?:元|块|美元)|[¥$]\\s*\\d|免费|手续费`),
  },
  {
    asked: /几点|什么时候|何时|什么时间|时间|钟点|最晚|最早|\bwhen\b/,
    given: new RegExp(`\\d{1,2}:\\d{2}|${amount}\\s*点`),
  },
  {
    asked: /什么时候|哪一?天|何时|哪一?年|哪一?月|几月|几号|日期|时间|最晚|截止|生日|\bwhen\b/,
    given: new RegExp(`${amount}\\s*(?:年|月|日|号|世纪)|(?:周|星期)[一二三四五六日末天]|day\\b`),
  },
  { asked: /星期几|周几|哪一?天|哪两天/, given: /(?:周|星期)[一二三四五六日末天]/ },
  { asked: /多久|多长时间/, given: new RegExp(`${amount}\\s*个?多?(?:秒|分钟|小时|天|周|月|年)`) },
  {
    asked: /多长|多高|多大|多远|多深|多宽|面积|身高|高度|长度/,
    given: new RegExp(`${amount}\\s*(?:毫米|厘米|分米|米|公里|千米|平方|公顷|亩|英尺|岁)`),
  },
  { asked: /多大年纪|几岁|年龄|多大了/, given: new RegExp(`${amount}\\s*周?岁`) },
  { asked: /多重|重量|体重/, given: new RegExp(`${amount}\\s*(?:克|公斤|千克|斤|吨)`) },
  { asked: /多冷|多热|温度|气温/, given: new RegExp(`°|${amount}\\s*度`) },
  { asked: /多少|几(?![乎何])|人口|数量/, given: new RegExp(amount) },
  { asked: /电话|号码|热线/, given: /\d{3,4}[-\s]?\d{3,8}/ },
];

/** In 多少, 几 and 哪 with the word that is counted (几场, 多少只): not these, which count nothing. */
const notCounted = /[钱的了是个些里儿种位]/;

/** What the answer to a question may look like; both the question and the texts normalised. */
export function answerKinds(question: string): RegExp[] {
  const fitting = kinds.filter(({ asked }) => asked.test(question)).map(({ given }) => given);
  const counted = [...question.matchAll(/(?:多少|几|哪一?)(\p{Script=Han})/gu)]
    .map(([, word]) => word!)
    .filter((word) => !notCounted.test(word));
  return [...fitting, ...[...new Set(counted)].slice(0, 4).map((word) => new RegExp(`${amount}\\s*个?${word}`))];
}

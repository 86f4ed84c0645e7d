import { readFileSync } from 'node:fs';
import type { FileType } from '../../parsing/block.ts';

/** A file of the sandbox account. The texts are as invented as its articles. */
export interface SandboxFile {
  fileId: string;
  name: string;
  fileType: FileType;
  bytes: Uint8Array;
}

const load = (fileId: string, name: string, fileType: FileType, path: string): SandboxFile => {
  return { fileId, name, fileType, bytes: readFileSync(new URL(path, import.meta.url)) };
};

/** One of each type. The text is in GB18030, as many are. */
export function loadSandboxFiles(): SandboxFile[] {
  return [
    load('qyf_group', '团体参观指南.pdf', 'PDF', './group-visits.pdf'),
    load('qyf_venues', '场地租用规定.doc', 'DOC', './venues.doc'),
    load('qyf_volunteers', '志愿者手册.docx', 'DOCX', './volunteers.docx'),
    load('qyf_lost', '失物招领办法.txt', 'TXT', './lost-and-found.txt'),
    load('qyf_clinic', '动物医院简报.html', 'HTML', './clinic.html'),
  ];
}

/** A question to the files; the answer has this in it, and the quotation the file's name and this place. */
export const fileQuestions = [
  { question: '旅行社团每人多少钱？', answerContains: '每人价格：112 元', quotation: '《团体参观指南.pdf》第 1 页' },
  { question: '浪花厅的团体午餐多少钱一份？', answerContains: '三十二元', quotation: '《团体参观指南.pdf》第 2 页' },
  { question: '屋顶观鸟台租四小时多少钱？', answerContains: '9000 元', quotation: '《场地租用规定.doc》' },
  { question: '志愿者缺席三次会怎样？', answerContains: '视为退出', quotation: '《志愿者手册.docx》“请假与退出”' },
  { question: '捡到的雨伞保存多久？', answerContains: '三十天', quotation: '《失物招领办法.txt》' },
  { question: '江豚小满是在哪里发现的？', answerContains: '青屿港', quotation: '《动物医院简报.html》“动物医院简报”' },
];

import { setTimeout as sleep } from 'node:timers/promises';
import { type CalledService, callService } from './call-service.ts';
import { loadSandboxFiles } from './files/index.ts';

const baseName = '馆内文件';

const maxWaitMs = 60_000;

/** Learned, or ended otherwise. */
const finalStates = [2, 4, 5, 6, 7, 8, 9];

interface Base {
  knowledge_id: string;
  name?: string;
}

interface Detail {
  knowledges: Base[];
}

interface FileDetail {
  files: { file_name: string; file_type: string; file_rag_status: number }[];
}

/**
 * Makes a knowledge base and adds the sample files to it, as the WeChat side does for its user, unless a start before
 * did. Tells of each file what became of it; of one that takes long, nothing.
 */
export async function uploadFiles(
  service: CalledService,
  { appid, wechatUrl, tell }: { appid: string; wechatUrl: string; tell: (line: string) => void },
): Promise<void> {
  const { knowledges } = await callService<Detail>(service, '/api/wxmp/assistant/detail', { appid });
  const known = knowledges.find(({ name }) => name === baseName);
  const create = { appid, name: baseName };
  const base = known ?? (await callService<Base>(service, '/api/wxmp/knowledge/create', create));
  const knowledge = { appid, knowledge_id: base.knowledge_id };
  const files = loadSandboxFiles();
  const item = files.map(({ fileId, name, fileType }) => ({
    ...knowledge,
    event_type: 9,
    event_id: `upload-${fileId}-${base.knowledge_id}`, // said again by the next start, and done once
    file_id: fileId,
    file_cos_url: `${wechatUrl}/files/${fileId}`,
    file_name: name,
    file_type: fileType,
  }));
  await callService(service, '/api/wxmp/article/event_notity', { item });
  const waiting = new Set(files.map(({ fileId }) => fileId));
  const endMs = performance.now() + maxWaitMs;
  while (waiting.size > 0 && performance.now() < endMs) {
    for (const fileId of waiting) {
      const asked = { ...knowledge, file_ids: [fileId] };
      const detail = await callService<FileDetail>(service, '/api/wxmp/knowledge/file/detail', asked);
      const [file] = detail.files;
      if (file === undefined || !finalStates.includes(file.file_rag_status)) continue;
      tell(`learning  ${file.file_name} (${file.file_type})   file_rag_status ${file.file_rag_status}`);
      waiting.delete(fileId);
    }
    await sleep(100);
  }
}

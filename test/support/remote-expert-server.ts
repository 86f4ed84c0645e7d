/**
 * A remote engine, whole: `node test/support/remote-expert-server.ts 50051`, then choose kind 3 (remote) at
 * http://127.0.0.1:50051 with SetExpert. It answers with the first sentences of the best passage, one draft for each;
 * DRAFT_EVERY_MS is how long it takes for one. In another language: generate the server from expert/v1/expert.proto.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { ExpertService, type RunRequest, RunRequestSchema, RunResponseSchema } from '../../gen/expert/v1/expert_pb.ts';

const sentences = new Intl.Segmenter('zh', { granularity: 'sentence' });

type Response = MessageInitShape<typeof RunResponseSchema>;

/** The method as @grpc/grpc-js wants it described. */
const method = {
  path: `/${ExpertService.typeName}/Run`,
  requestStream: false,
  responseStream: true,
  requestSerialize: (request: RunRequest) => Buffer.from(toBinary(RunRequestSchema, request)),
  requestDeserialize: (bytes: Buffer) => fromBinary(RunRequestSchema, bytes),
  responseSerialize: (response: Response) =>
    Buffer.from(toBinary(RunResponseSchema, create(RunResponseSchema, response))),
  responseDeserialize: (bytes: Buffer) => fromBinary(RunResponseSchema, bytes),
} as const;

async function run(call: ServerWritableStream<RunRequest, Response>): Promise<void> {
  const { passages, support, threshold } = call.request;
  const model = 'example 1.0';
  if (passages[0] === undefined || support < threshold) {
    call.write({ event: { case: 'final', value: { refused: true, model } } });
    return void call.end();
  }
  let text = '';
  for (const { segment } of [...sentences.segment(passages[0].text)].slice(0, 5)) {
    text += segment;
    call.write({ event: { case: 'draft', value: { text } } });
    await sleep(Number(process.env.DRAFT_EVERY_MS ?? 300));
    if (call.cancelled) return; // the answer is not wanted any more, or its deadline has passed
  }
  call.write({ event: { case: 'final', value: { text, cited: [1], model } } });
  call.end();
}

const server = new Server();
server.addService(
  { run: method },
  { run: (call: Parameters<typeof run>[0]) => run(call).catch(() => call.emit('error', { code: status.INTERNAL })) },
);
server.bindAsync(`127.0.0.1:${process.argv[2] ?? 50051}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`http://127.0.0.1:${port}`);
});

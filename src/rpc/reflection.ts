/** Server reflection, v1 and v1alpha: lets `buf curl`, grpcurl and others call this server without its .proto files. */
import {
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import * as v1 from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import * as v1alpha from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { tooMuch } from '../errors.ts';
import { toConnectError } from './errors.ts';
import { requestIdHeader } from './request-id.ts';

/** Requests that one stream may ask. One more ends it with RESOURCE_EXHAUSTED. */
export const MAX_REQUESTS = 1_000;

/** How long one stream may stay open. Clients ask at once what they want to know, and begin another when it has ended. */
const defaultStreamMs = 60_000;

/** What is asked, in either version. */
type Question = (v1.ServerReflectionRequest | v1alpha.ServerReflectionRequest)['messageRequest'];
/** What is answered, in both. */
type Answer =
  | { case: 'fileDescriptorResponse'; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: 'allExtensionNumbersResponse'; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: 'listServicesResponse'; value: { service: { name: string }[] } }
  | { case: 'errorResponse'; value: { errorCode: Code; errorMessage: string } };

/**
 * Registers both versions for `files`, which are the generated files of the services that are served. The files they
 * import are found by themselves; services in those are described, but not listed. A stream that is still open after
 * `maxStreamMs` ends as if all had been asked.
 */
export function registerReflection(
  router: ConnectRouter,
  files: readonly DescFile[],
  maxStreamMs = defaultStreamMs,
): void {
  const served = [...files, v1.file_grpc_reflection_v1_reflection, v1alpha.file_grpc_reflection_v1alpha_reflection];
  const index = createIndex(served);
  const answer = (question: Question) => answerQuestion(index, question);
  router.service(v1.ServerReflection, {
    serverReflectionInfo: (requests, context) => answerEach(requests, context, answer, maxStreamMs),
  });
  router.service(v1alpha.ServerReflection, {
    serverReflectionInfo: (requests, context) => answerEach(requests, context, answer, maxStreamMs),
  });
}

async function* answerEach<Request extends { host: string; messageRequest: Question }>(
  requests: AsyncIterable<Request>,
  { signal, requestHeader }: HandlerContext,
  answer: (question: Question) => Answer,
  maxStreamMs: number,
) {
  // Neither the server's stop nor the time ends the iteration of the requests of a client that stays.
  const { promise: over, resolve, reject } = Promise.withResolvers<{ done: true; value?: undefined }>();
  over.catch(() => {});
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  const timer = setTimeout(() => resolve({ done: true }), maxStreamMs);
  const iterator = requests[Symbol.asyncIterator]();
  try {
    for (let asked = 0; ; asked++) {
      const { done, value } = await Promise.race([over, iterator.next()]);
      if (done) return;
      if (asked === MAX_REQUESTS) {
        const error = tooMuch('too many requests in one stream', 1);
        throw toConnectError(error, requestHeader.get(requestIdHeader) ?? '');
      }
      yield { validHost: value.host, originalRequest: value, messageResponse: answer(value.messageRequest) };
    }
  } finally {
    clearTimeout(timer);
  }
}

interface Index {
  services: string[];
  /** Files by name, with `.proto`. */
  files: Map<string, DescFile>;
  /** The files serialized, by name. */
  bytes: Map<string, Uint8Array>;
  /** The files of types, methods, fields, oneofs and enum values, by full name. */
  symbols: Map<string, DescFile>;
  /** The files of extensions, by the message extended and the field number. Every message has an entry. */
  extensions: Map<string, Map<number, DescFile>>;
}

function createIndex(served: readonly DescFile[]): Index {
  const files = new Map<string, DescFile>();
  for (const file of served) addWithImports(file, files);
  const types = [...files.values()].flatMap((file) => [...nestedTypes(file)]);
  const extensions: Index['extensions'] = new Map();
  for (const type of types) if (type.kind === 'message') extensions.set(type.typeName, new Map());
  for (const type of types)
    if (type.kind === 'extension') extensions.get(type.extendee.typeName)?.set(type.number, type.file);
  return {
    services: [...new Set(served.flatMap((file) => file.services.map((service) => service.typeName)))],
    files,
    bytes: new Map([...files].map(([name, { proto }]) => [name, toBinary(FileDescriptorProtoSchema, proto)])),
    symbols: new Map(types.flatMap((type) => symbolsOf(type).map((symbol) => [symbol, type.file]))),
    extensions,
  };
}

/** Adds a file, and after it the files that it imports, directly or not. */
function addWithImports(file: DescFile, to: Map<string, DescFile>): void {
  if (to.has(file.proto.name)) return;
  to.set(file.proto.name, file);
  for (const dependency of file.dependencies) addWithImports(dependency, to);
}

function symbolsOf(type: DescMessage | DescEnum | DescExtension | DescService): string[] {
  switch (type.kind) {
    case 'message':
      return [type.typeName, ...type.members.map((member) => `${type.typeName}.${member.name}`)];
    case 'service':
      return [type.typeName, ...type.methods.map((method) => `${type.typeName}.${method.name}`)];
    case 'enum': {
      const scope = type.typeName.slice(0, -type.name.length); // values are siblings of their enum
      return [type.typeName, ...type.values.map((value) => scope + value.name)];
    }
    case 'extension':
      return [type.typeName];
  }
}

function answerQuestion(index: Index, question: Question): Answer {
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: index.services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return describe(index, index.files.get(question.value));
    case 'fileContainingSymbol':
      return describe(index, index.symbols.get(question.value));
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value;
      return describe(index, index.extensions.get(containingType)?.get(extensionNumber));
    }
    case 'allExtensionNumbersOfType': {
      const numbers = index.extensions.get(question.value);
      if (numbers === undefined) return errorAnswer(Code.NotFound, 'not found');
      const value = { baseTypeName: question.value, extensionNumber: [...numbers.keys()] };
      return { case: 'allExtensionNumbersResponse', value };
    }
    case undefined:
      return errorAnswer(Code.InvalidArgument, 'message_request is not set');
  }
}

/** The file, then all that it imports: clients link the descriptors without asking again. */
function describe(index: Index, file: DescFile | undefined): Answer {
  if (file === undefined) return errorAnswer(Code.NotFound, 'not found');
  const files = new Map<string, DescFile>();
  addWithImports(file, files);
  const fileDescriptorProto = [...files.keys()].map((name) => index.bytes.get(name)!);
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

/** The numbers of Connect's codes are those of gRPC. */
function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}

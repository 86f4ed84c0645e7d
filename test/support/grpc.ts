/** Calls as @grpc/grpc-js makes them, and what it is told when one is refused. */
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import {
  type BadRequest,
  BadRequestSchema,
  type ErrorInfo,
  ErrorInfoSchema,
} from '../../gen/google/rpc/error_details_pb.ts';

export interface GrpcOptions {
  /** A bearer token. */
  token?: string;
  deadlineMs?: number;
}

/** A refusal with its details. */
export interface Refusal {
  code: number;
  message: string;
  errorInfo: ErrorInfo | undefined;
  badRequest: BadRequest | undefined;
  metadata: grpc.Metadata;
}

type Method<Input extends DescMessage, Output extends DescMessage> = DescMethod & { input: Input; output: Output };

export function createGrpc(url: string) {
  const client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
  const prepare = <I extends DescMessage, O extends DescMessage>(method: Method<I, O>, options: GrpcOptions) => {
    const metadata = new grpc.Metadata();
    if (options.token !== undefined) metadata.set('authorization', `Bearer ${options.token}`);
    const limit = options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs };
    const path = `/${method.parent.typeName}/${method.name}`;
    const write = (input: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, input)));
    return { path, write, read: (bytes: Buffer) => fromBinary(method.output, bytes), metadata, limit };
  };
  return {
    /** Calls a unary method; throws a grpc.ServiceError. */
    call<I extends DescMessage, O extends DescMessage>(
      method: Method<I, O>,
      input: MessageInitShape<I>,
      options: GrpcOptions = {},
    ): Promise<MessageShape<O>> {
      const { path, write, read, metadata, limit } = prepare(method, options);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, write, read, input, metadata, limit, (error, output) =>
          error ? reject(error) : resolve(output!),
        );
      });
    },
    /** Calls a method that streams its answer; the stream ends with a grpc.ServiceError when it is refused. */
    stream<I extends DescMessage, O extends DescMessage>(
      method: Method<I, O>,
      input: MessageInitShape<I>,
      options: GrpcOptions = {},
    ): grpc.ClientReadableStream<MessageShape<O>> {
      const { path, write, read, metadata, limit } = prepare(method, options);
      return client.makeServerStreamRequest(path, write, read, input, metadata, limit);
    },
    close: () => client.close(),
  };
}

/** What a call is refused with; throws when it isn't. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    const { code, details, metadata } = error as grpc.ServiceError;
    // The library leaves signs like %3A as they are, which a server may write, and a reader has to decode.
    return { code, message: decodeURIComponent(details), metadata, ...readDetails(metadata) };
  }
  throw new Error('the call was not refused');
}

/** google.rpc.Status: code = 1, message = 2, details = 3 (Any: type_url = 1, value = 2). */
function readDetails(metadata: grpc.Metadata): Pick<Refusal, 'errorInfo' | 'badRequest'> {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const details = bytes instanceof Buffer ? (readFields(bytes).get(3) ?? []) : [];
  const found = new Map(
    details.map((any) => {
      const fields = readFields(any);
      return [Buffer.from(fields.get(1)![0]!).toString(), fields.get(2)![0]!];
    }),
  );
  const [info, bad] = ['google.rpc.ErrorInfo', 'google.rpc.BadRequest'].map((name) =>
    found.get(`type.googleapis.com/${name}`),
  );
  return {
    errorInfo: info && fromBinary(ErrorInfoSchema, info),
    badRequest: bad && fromBinary(BadRequestSchema, bad),
  };
}

/** The length-delimited fields of a message, by number. */
function readFields(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type]: [number, WireType] = reader.tag();
    if (type === 2) fields.set(number, [...(fields.get(number) ?? []), reader.bytes()]);
    else reader.skip(type);
  }
  return fields;
}

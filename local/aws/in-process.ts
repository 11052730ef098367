import type { Services } from '../../shared/aws/services.ts';
import { dynamodbAnswer, dynamodbError, dynamodbRequest } from './dynamodb-wire.ts';
import type { Rpc } from './rpc.ts';
import { jsonAnswer, type WireAnswer, type WireRequest } from './server.ts';

/** Services whose requests and answers are JSON text. The others say what they have to say over HTTP. */
const JSON_SERVICES = ['dynamodb', 'sfn', 'kms', 'ses', 'sagemaker', 'cloudwatch', 'scaling', 'pricing'] as const;
type JsonService = (typeof JSON_SERVICES)[number];
/** Those of them that are the gate's own, where it watches a real account. */
export const OWN_SERVICES: readonly JsonService[] = ['dynamodb', 'sfn', 'kms', 'ses'];

type SentRequest = {
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: Uint8Array | string;
};
type Command = { constructor: { name: string }; input: object };
type Handler = (args: { input: object }) => Promise<{ output: object; response: object }>;
type Middleware = (next: Handler, context: { clientName: string; commandName: string }) => Handler;
type Client = {
  config: { requestHandler: unknown; signer: () => Promise<unknown> };
  middlewareStack: { add: (middleware: Middleware) => void; remove: (name: string) => boolean };
  send: (command: Command) => Promise<object>;
};
type Ask = (request: WireRequest) => Promise<WireAnswer>;

/** What a request needs on its way through a network, and not from one thread to another. */
const FOR_NETWORKS = ['getUserAgentMiddleware', 'hostHeaderMiddleware', 'recursionDetectionMiddleware'];

const queryOf = ({ query = {} }: SentRequest): string => {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each ?? '']),
  );
  return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '';
};

/** The SDK writes the request and reads the answer, tries again and slows down; only the way in between is another. */
function handOver({ config, middlewareStack }: Client, ask: Ask, authorization: string): void {
  config.requestHandler = {
    handle: async (request: SentRequest) => {
      const { method, path, headers, body = '' } = request;
      const answer = await ask({ method, url: `${path}${queryOf(request)}`, headers, body });
      // As bytes, which is what the SDK reads without collecting a stream first.
      const response = { statusCode: answer.status, headers: answer.headers, body: Buffer.from(answer.body) };
      return { response };
    },
    metadata: { handlerProtocol: 'http/1.1' },
    destroy: () => undefined,
  };
  const sign = async (request: SentRequest) => {
    request.headers.authorization = authorization;
    return request;
  };
  config.signer = async () => ({ sign });
  for (const name of FOR_NETWORKS) middlewareStack.remove(name);
}

/**
 * Two of three calls are DynamoDB's, whose inputs and outputs are JSON as they are; that the SDK finds out about each of their
 * members would be most of what such a call costs. What somebody adds to the client, such as what counts calls, is kept.
 */
function handOverJson(client: Client, ask: Ask, authorization: string): void {
  const added: Middleware[] = [];
  client.middlewareStack = { add: (middleware) => added.push(middleware), remove: () => false };
  client.send = async (command) => {
    const commandName = command.constructor.name;
    const headers = { 'x-amz-target': `DynamoDB_20120810.${commandName.replace(/Command$/, '')}`, authorization };
    const handler: Handler = async ({ input }) => {
      const { status, body } = await ask({ method: 'POST', url: '/', headers, body: dynamodbRequest(input) });
      if (status !== 200) throw dynamodbError(status, String(body));
      return { output: dynamodbAnswer(String(body)), response: {} };
    };
    const context = { clientName: 'DynamoDBClient', commandName };
    const run = added.reduce((next, middleware) => middleware(next, context), handler);
    return (await run({ input: command.input })).output;
  };
}

/** The loopback AWS in its thread; and Step Functions, which is in this one and would be asked from there. */
export type InProcess = {
  aws: Pick<Rpc, 'call'>;
  stepFunctions: (operation: string, input: Record<string, unknown>) => unknown;
};

/**
 * Has the gate's clients hand their requests to the loopback AWS as a message to its thread, and not through HTTP with a
 * signature that nobody checks, which is most of what a call costs. What is said stays the same, and the loopback answers as
 * if it had come in at its port.
 */
export function callInProcess(
  services: Services,
  { aws, stepFunctions }: InProcess,
  accessKeyId: string,
  names: readonly JsonService[] = JSON_SERVICES,
): void {
  // The place of the date holds none: nothing is signed.
  const scope = `00000000/${services.config.region}/in-process/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=host, Signature=none`;
  const ask: Ask = (request) => aws.call<WireAnswer>('request', request);
  const askEngine: Ask = ({ headers, body }) => {
    const operation = String(headers['x-amz-target']).split('.').at(-1) ?? '';
    return jsonAnswer(body, (input) => stepFunctions(operation, input));
  };
  for (const name of names) {
    const client = services[name] as unknown as Client;
    if (name === 'dynamodb') handOverJson(client, ask, authorization);
    else handOver(client, name === 'sfn' ? askEngine : ask, authorization);
  }
}

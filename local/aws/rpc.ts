import type { MessagePort, Worker } from 'node:worker_threads';

type Message =
  | { rpc: 'call'; id: number; method: string; params: unknown }
  | { rpc: 'reply'; id: number; result?: unknown; error?: { code: string; message: string } };

export type Methods = Record<string, (params: never) => unknown>;

/** Calls by name between two threads, with replies. Errors cross over with their code and message. */
export type Rpc = { call: <T>(method: string, params?: unknown) => Promise<T> };

export class RpcError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function connectRpc(port: Worker | MessagePort, methods: Methods): Rpc {
  let lastId = 0;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const answer = async ({ id, method, params }: Extract<Message, { rpc: 'call' }>) => {
    try {
      const run = methods[method];
      if (!run) throw new Error(`No method ${method}.`);
      port.postMessage({ rpc: 'reply', id, result: await run(params as never) } satisfies Message);
    } catch (error) {
      const { code, name, message } = error as Error & { code?: string };
      port.postMessage({ rpc: 'reply', id, error: { code: code ?? name, message } } satisfies Message);
    }
  };
  port.on('message', (message: Message) => {
    if (message.rpc === 'call') {
      void answer(message);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) call?.reject(new RpcError(message.error.code, message.error.message));
    else call?.resolve(message.result);
  });
  return {
    call: <T>(method: string, params?: unknown) =>
      new Promise<T>((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve: resolve as (value: unknown) => void, reject });
        port.postMessage({ rpc: 'call', id: lastId, method, params } satisfies Message);
      }),
  };
}

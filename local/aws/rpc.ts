import type { MessagePort, Worker } from 'node:worker_threads';

type Message =
  | { rpc: 'call'; id: number; method: string; params: unknown }
  | { rpc: 'tell'; method: string; params: unknown }
  | { rpc: 'reply'; id: number; result?: unknown; error?: { code: string; message: string } };

export type Methods = Record<string, (params: never) => unknown>;

/**
 * Calls by name between two threads, with replies. Errors cross over with their code and message. What is said in one turn of
 * the event loop goes over as one message: waking the other thread costs more than what is said, most of all where much is.
 */
export type Rpc = {
  call: <T>(method: string, params?: unknown) => Promise<T>;
  /** Without a reply, which would wake this thread again. What goes wrong there is that thread's own fault. */
  tell: (method: string, params?: unknown) => void;
};

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
  const outgoing: Message[] = [];
  const post = (message: Message) => {
    if (outgoing.push(message) > 1) return;
    setImmediate(() => port.postMessage(outgoing.splice(0)));
  };
  const answer = async ({ id, method, params }: Extract<Message, { rpc: 'call' }>) => {
    try {
      const run = methods[method];
      if (!run) throw new Error(`No method ${method}.`);
      post({ rpc: 'reply', id, result: await run(params as never) });
    } catch (error) {
      const { code, name, message } = error as Error & { code?: string };
      post({ rpc: 'reply', id, error: { code: code ?? name, message } });
    }
  };
  const take = (message: Message) => {
    if (message.rpc === 'tell') {
      methods[message.method]?.(message.params as never);
      return;
    }
    if (message.rpc === 'call') {
      void answer(message);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) call?.reject(new RpcError(message.error.code, message.error.message));
    else call?.resolve(message.result);
  };
  port.on('message', (messages: Message[]) => messages.forEach(take));
  return {
    call: <T>(method: string, params?: unknown) =>
      new Promise<T>((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve: resolve as (value: unknown) => void, reject });
        post({ rpc: 'call', id: lastId, method, params });
      }),
    tell: (method, params) => post({ rpc: 'tell', method, params }),
  };
}

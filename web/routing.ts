import type { Problem } from './reply.ts';

/** A method, a path such as `/approvals/{id}`, and what answers there. */
export type Route<Answer> = { method: 'GET' | 'POST'; path: string; answer: Answer };

export const notFound = (why: string): Problem => ({
  status: 404,
  happened: 'Not found',
  why,
  todo: 'Check the link, or look under Changes or Waiting.',
});

const PART = /\{(\w+)\}/;

/** The values of a path's `{parts}`, or undefined where it does not fit. */
function partsOf(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const name = PART.exec(want)?.[1];
    const have = given[index] ?? '';
    if (name === undefined ? want !== have : have === '') return undefined;
    if (name !== undefined) parts[name] = have;
  }
  return parts;
}

/** The route for a request, or the page that says why there is none. HEAD goes where GET goes. */
export function routeFor<Answer>(
  routes: readonly Route<Answer>[],
  method: string,
  path: string,
): { route: Route<Answer>; parts: Record<string, string> } | Problem {
  const fitting = routes.flatMap((route) => {
    const parts = partsOf(route.path, path);
    return parts ? [{ route, parts }] : [];
  });
  if (fitting.length === 0) return notFound('There is no such page.');
  const found = fitting.find(({ route }) => route.method === (method === 'HEAD' ? 'GET' : method));
  if (found) return found;
  const allow = fitting.map(({ route }) => (route.method === 'GET' ? 'GET, HEAD' : route.method)).join(', ');
  return {
    status: 405,
    happened: 'Not possible here',
    why: `This address takes ${allow} and nothing else.`,
    todo: 'Use the links and forms on the pages.',
    headers: { allow },
  };
}

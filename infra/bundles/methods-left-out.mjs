const METHOD = /^ {4}(?:static |async )*(#?\w+)\(.*\) \{\n(?:(?: {8}.*)?\n)+? {4}\},?\n/gm;

/** Is a method of this name called, or handed on, anywhere in a text? */
const names = (text, name) => new RegExp(`[.?]\\s*${name}\\b`).test(text);

/**
 * The classes of a module without the methods that nobody calls: neither the module itself nor `callers`, the text of
 * all that has its hands on one of their objects. A method that only such methods call goes with them. Written for
 * compiled JavaScript, four spaces to the level; elsewhere it finds no method and leaves out none.
 */
export function withoutUncalled(source, callers) {
  const left = source.replace(METHOD, (method, name) =>
    name === 'constructor' || names(callers, name) || names(source.replace(method, ''), name) ? method : '',
  );
  return left === source ? source : withoutUncalled(left, callers);
}

/** Which of the characters 0 to 127 something matches, one bit each; the highest stands for everything else. */
type CharacterSet = bigint;
const EVERYTHING: CharacterSet = (1n << 129n) - 1n;
const known = new Map<string, CharacterSet>();

/** What one atom of an expression (`a`, `\w`, `[^,]`) matches. */
function setOf(atom: string): CharacterSet {
  const before = known.get(atom);
  if (before !== undefined) return before;
  let set: CharacterSet = 0n;
  try {
    const expression = new RegExp(`^(?:${atom})$`, 's');
    for (let code = 0; code < 128; code += 1) if (expression.test(String.fromCharCode(code))) set |= 1n << BigInt(code);
    if (expression.test('\u00e9') || expression.test('\u4e2d')) set |= 1n << 128n;
  } catch {
    set = EVERYTHING;
  }
  if (/\\[pPu]/.test(atom)) set = EVERYTHING;
  known.set(atom, set);
  return set;
}

/** What one alternative repeats without bound, what every round of it must hold, and whether it is unsafe within. */
type Part = { repeated: CharacterSet; required: CharacterSet[]; unsafe: boolean };

/** Rounds cannot be told apart: nothing that each must hold is different from what it repeats. */
const blurred = ({ repeated, required }: Part) => repeated !== 0n && required.every((set) => (set & repeated) !== 0n);

/**
 * Whether matching can take exponential time: something repeated without bound inside something that is itself repeated
 * without bound, where nothing tells one round from the next. `(a+)+` is, `(?:a+,)*` is not, since every round has to
 * end with a comma.
 */
export function isUnsafeRegex(source: string): boolean {
  let at = 0;
  const take = (pattern: RegExp): string => {
    const [text = ''] = pattern.exec(source.slice(at)) ?? [];
    at += text.length;
    return text;
  };

  /** Reads alternatives up to the `)` that ends them, or the end. */
  const alternatives = (): Part[] => {
    const parts: Part[] = [{ repeated: 0n, required: [], unsafe: false }];
    while (at < source.length && source[at] !== ')') {
      const part = parts.at(-1) as Part;
      if (take(/^\|/)) {
        parts.push({ repeated: 0n, required: [], unsafe: false });
        continue;
      }
      let inner: Part[] = [];
      let set: CharacterSet = 0n;
      const group = take(/^\((\?(?:[:=!]|<[=!]|<\w+>|[a-z-]+:))?/);
      if (group) {
        inner = alternatives();
        take(/^\)/);
      } else set = setOf(take(/^(?:\[(?:\\.|[^\]\\])*\]|\\[pPu]\{[^}]*\}|\\.|[\s\S])/));
      const quantifier = take(/^(?:[*+?]|\{\d+(?:,\d*)?\})\??/);
      const unbounded = /^[*+]|,\}/.test(quantifier);
      const optional = /^[*?]|^\{0/.test(quantifier);

      part.unsafe ||= inner.some((each) => each.unsafe || (unbounded && blurred(each)));
      for (const each of inner) part.repeated |= each.repeated;
      if (unbounded) part.repeated |= set;
      // Looking ahead or back, and `^`, `$` and `\b`, take no character.
      else if (!optional && set !== 0n) part.required.push(set);
      else if (!optional && inner.length === 1) part.required.push(...(inner[0]?.required ?? []));
    }
    return parts;
  };
  return alternatives().some(({ unsafe }) => unsafe);
}

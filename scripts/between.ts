/** Puts `text` between `<!-- name -->` and `<!-- /name -->`. */
export function between(document: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = document.indexOf(open);
  const end = document.indexOf(close);
  if (start < 0 || end < start) throw new Error(`The markers ${open} and ${close} are missing.`);
  return `${document.slice(0, start + open.length)}\n${text}\n${document.slice(end)}`;
}

import { type Html, html, type Value } from './html.ts';

/** `narrow` is for what never needs room: short words, figures. */
export type Column<Row> = { head: string; cell: (row: Row) => Value; narrow?: true };

/**
 * A table that turns into cards on a phone. The roles are written out because browsers drop a table's own where CSS
 * lays it out as blocks. The first cell names its row.
 */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const cell = ({ head, cell: content, narrow }: Column<Row>, row: Row, index: number) =>
    index === 0
      ? html`<th role="rowheader" scope="row"><div>${content(row)}</div></th>`
      : html`<td role="cell" data-label="${head}"${narrow && html` class="narrow"`}><div>${content(row)}</div></td>`;
  return html`<table role="table">
<caption class="hidden">${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(({ head }) => html`<th role="columnheader" scope="col">${head}</th>`)}</tr></thead>
<tbody role="rowgroup">
${rows.map(
  (row) => html`<tr role="row">${columns.map((column, index) => cell(column, row, index))}</tr>
`,
)}</tbody>
</table>`;
}

/** Names and values, for a summary; entries without a value are left out. */
export function summary(entries: readonly (readonly [name: string, value: Value])[]): Html {
  return html`<dl class="summary">
${entries
  .filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '')
  .map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
  )}</dl>`;
}

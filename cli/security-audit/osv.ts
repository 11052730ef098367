import * as z from 'zod';

const Event = z.object({
  introduced: z.string().optional(),
  fixed: z.string().optional(),
  last_affected: z.string().optional(),
});
const Affected = z.object({
  package: z.object({ ecosystem: z.string(), name: z.string() }).optional(),
  ranges: z.array(z.object({ type: z.string(), events: z.array(Event) })).default([]),
  versions: z.array(z.string()).default([]),
});

/** What is read of a record in the Open Source Vulnerability format (https://ossf.github.io/osv-schema/). */
export const OsvRecord = z.object({
  id: z.string(),
  modified: z.string(),
  withdrawn: z.string().optional(),
  summary: z.string().default(''),
  affected: z.array(Affected).default([]),
  database_specific: z.object({ severity: z.string().optional() }).optional(),
});
export type OsvRecord = z.infer<typeof OsvRecord>;

/** An advisory as npm's registry answers `POST /-/npm/v1/security/advisories/bulk`. */
export type BulkAdvisory = { id: string; url: string; title: string; severity: string; vulnerable_versions: string };

const SEVERITIES: Record<string, string> = { LOW: 'low', MODERATE: 'moderate', HIGH: 'high', CRITICAL: 'critical' };

/** The events of a range as npm writes them: `>=1.0.0 <1.2.3 || >=2.0.0`. */
function rangeOf(events: z.infer<typeof Event>[]): string[] {
  const parts: string[] = [];
  let from: string | undefined;
  for (const { introduced, fixed, last_affected: last } of events) {
    if (introduced !== undefined) from = introduced === '0' ? '0.0.0-0' : introduced;
    else if (from !== undefined && (fixed ?? last) !== undefined) {
      parts.push(fixed === undefined ? `>=${from} <=${last}` : `>=${from} <${fixed}`);
      from = undefined;
    }
  }
  return from === undefined ? parts : [...parts, `>=${from}`];
}

/** Advisories by package, for npm to compare with what is installed. */
export function bulkOf(records: readonly OsvRecord[]): Record<string, BulkAdvisory[]> {
  const byPackage: Record<string, BulkAdvisory[]> = Object.create(null);
  for (const { id, withdrawn, summary, affected, database_specific: about } of records) {
    if (withdrawn !== undefined) continue;
    for (const { package: about_, ranges, versions } of affected) {
      if (about_?.ecosystem !== 'npm') continue;
      const found = ranges.filter(({ type }) => type === 'SEMVER').flatMap(({ events }) => rangeOf(events));
      const vulnerable = [...found, ...(found.length === 0 ? versions : [])].join(' || ');
      byPackage[about_.name] ??= [];
      byPackage[about_.name]?.push({
        id,
        url: `https://osv.dev/vulnerability/${id}`,
        title: summary || id,
        severity: SEVERITIES[about?.severity?.toUpperCase() ?? ''] ?? 'high',
        // Neither a range nor a version: taken for every version, since nothing is known to be safe.
        vulnerable_versions: vulnerable || '*',
      });
    }
  }
  return byPackage;
}

/** Records of a file: a list, lines of JSON, or an answer of osv.dev with `vulns`. Throws where one is none. */
export function parseOsv(text: string): OsvRecord[] {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) return z.array(OsvRecord).parse(JSON.parse(trimmed));
  try {
    const one = JSON.parse(trimmed) as { vulns?: unknown };
    return one.vulns === undefined ? [OsvRecord.parse(one)] : z.array(OsvRecord).parse(one.vulns);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return trimmed.split('\n').flatMap((line) => (line.trim() === '' ? [] : [OsvRecord.parse(JSON.parse(line))]));
}

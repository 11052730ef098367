import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFiles } from './project-files.ts';
import { type SecretLook, secretsIn, shown } from './secret-patterns.ts';
import { type Audited, type Seen, seen, unseen, type Weakness } from './weakness.ts';

const REVOKE = 'Revoke it where it was issued: whoever could read the repository has it.';

/** What somebody has looked at and found to be none is listed in security-audit.yaml by its SHA-256. */
export const isListed = ({ rules }: Pick<Audited, 'rules'>, { sha256 }: SecretLook) =>
  rules.notSecret.some((each) => each.sha256 === sha256);

export const weaknessOf = (where: string, look: SecretLook): Weakness => ({
  where,
  why: `A secret lies open. ${shown(look)}`,
  todo: `${REVOKE} If it is none, list its SHA-256 as notSecret in security-audit.yaml.`,
});

/** Secrets in the files of the project as they are now, committed or not. */
export async function checkSecrets(audited: Audited): Promise<Seen> {
  const files = projectFiles(audited.root);
  if (files.length === 0) return unseen('there are no files here');
  const weaknesses: Weakness[] = [];
  for (const path of files) {
    const bytes = readFileSync(join(audited.root, path));
    // What has a zero byte among its first is no text.
    if (bytes.subarray(0, 8_000).includes(0)) continue;
    for (const look of secretsIn(bytes.toString('utf8')))
      if (!isListed(audited, look)) weaknesses.push(weaknessOf(`${path}:${look.line}`, look));
  }
  return seen(`${files.length} files`, weaknesses);
}

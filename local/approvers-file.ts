import { readFileSync, statSync } from 'node:fs';
import type { Config } from '../shared/config.ts';
import { parseConfigFile } from '../shared/config-yaml.ts';
import { type ApprovalSettings, UnreadableApproversError } from '../shared/model/approval-settings.ts';

/**
 * Who may approve, as `portcullis.yaml` says at this moment: it is read again when its time or size has changed. A file
 * that is gone or has a mistake throws UnreadableApproversError; an older list is never used in its place.
 */
export function approversIn(
  path: string,
  config: Config,
  wasRead: () => void = () => undefined,
): () => ApprovalSettings {
  let known: { stamp: string; read: ApprovalSettings } | undefined;
  return () => {
    try {
      const { mtimeMs, size, ino } = statSync(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (known?.stamp === stamp) return known.read;
      const problems: string[] = [];
      const file = parseConfigFile(readFileSync(path, 'utf8'), path, problems);
      if (!file || problems.length > 0) throw new UnreadableApproversError(problems.join('; '));
      known = { stamp, read: file.approvals };
      wasRead();
      return known.read;
    } catch (error) {
      known = undefined;
      if (error instanceof UnreadableApproversError) throw error;
      // Started without any file, and still without one: then the list is what it was, empty.
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (missing && config.file.approvals.approvers.length === 0) return config.file.approvals;
      throw new UnreadableApproversError(`${path}: ${(error as Error).message}`);
    }
  };
}

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, longest first; everything else is short. */
const LONG = [
  'acceptance/kill-loop',
  'infra/package',
  'acceptance/approval-in-browser',
  'cli/local',
  'acceptance/up-once',
  'acceptance/story',
  'acceptance/faults',
  'acceptance/sweep',
  'acceptance/encryption',
  'cli/audit-verify',
  'infra/bundles',
  'acceptance/put-back',
  'acceptance/backup',
  'acceptance/plans',
  'cli/offline',
];

/** Long files start first, so that no worker is left alone with one at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at === -1 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

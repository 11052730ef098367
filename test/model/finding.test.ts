import { describe, expect, test } from 'vitest';
import { advice, decide, needsApproval, type Outcome, violation } from '../../shared/model/finding.ts';
import { finding } from '../builders.ts';

const decision = (...outcomes: Outcome[]) => decide(outcomes.map((outcome, index) => finding(`p${index}`, outcome)));

describe('decide', () => {
  test('one violation blocks, whatever else was found', () => {
    expect(decision('pass', 'needs-approval', 'violation', 'advice')).toBe('blocked');
  });
  test('without a violation, one that needs approval asks', () => {
    expect(decision('pass', 'needs-approval', 'advice')).toBe('needs-approval');
  });
  test.each(['pass', 'advice', 'waived', 'not-applicable'] as const)('%s alone is compliant', (outcome) => {
    expect(decision(outcome)).toBe('compliant');
  });
  test('no findings at all are undetermined: what examined nothing must not look green', () => {
    expect(decision()).toBe('undetermined');
  });
});

test('a problem carries its outcome and its message', () => {
  expect([violation('a'), needsApproval('b'), advice('c')]).toEqual([
    { outcome: 'violation', message: 'a' },
    { outcome: 'needs-approval', message: 'b' },
    { outcome: 'advice', message: 'c' },
  ]);
});

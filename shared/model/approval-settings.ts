import * as z from 'zod';
import { sharesPerson } from './actor.ts';
import { Approver, namesOf, namesOfRequester } from './approver.ts';
import { Environment } from './environment.ts';

const GroupName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits, hyphens')
  .describe('Name of a group.');
const Count = z.int().positive();

/** So many of a group must approve where the environment and the policy that asked are these. */
export const ApprovalRule = z.strictObject({
  environment: Environment.optional().describe('Only there; everywhere without it.'),
  policy: z.string().min(1).optional().describe('Only where this policy asks; whoever asks without it.'),
  group: GroupName,
  count: Count.default(1),
});
export type ApprovalRule = z.infer<typeof ApprovalRule>;

/** Who may approve, how many must, and how long they have: `approvals` in `portcullis.yaml`. */
export const ApprovalSettings = z.strictObject({
  approvers: z.array(Approver).default([]).describe('Who may approve. An empty list means that nobody can.'),
  groups: z
    .record(GroupName, z.array(z.string()).min(1, 'must have a member'))
    .default({})
    .describe('Approvers by what they answer for: a name, and the ids of its members.'),
  rules: z
    .array(ApprovalRule)
    .default([])
    .describe(
      'Approvals needed besides the number below, by environment and by the policy that asked: all that match must be met. One approval counts for every group that its approver is in.',
    ),
  timeoutHours: z.number().positive().max(500).default(24).describe('Unanswered so long means rejected.'),
  requiredApprovals: Count.default(1).describe('Approvals needed, whoever they come from.'),
  requiredApprovalsIfRequesterUnknown: Count.default(2).describe(
    'Where CloudTrail has not said who made the change, so that nobody approves their own alone.',
  ),
  reminderHours: z
    .number()
    .nonnegative()
    .max(500)
    .default(4)
    .describe('Whoever has not answered is reminded this often; 0 means never.'),
  escalation: z
    .strictObject({
      afterHours: z.number().positive().max(500).describe('Unanswered so long, others are told too.'),
      group: GroupName.describe('Whom to tell then.'),
    })
    .optional()
    .describe('A second group that is told of requests that wait too long.'),
  breakGlassGroup: GroupName.optional().describe(
    'Who may approve alone in an emergency, even what they made themselves. It raises an alarm and stays open until a second person has reviewed it. Without it nobody may.',
  ),
});
export type ApprovalSettings = z.infer<typeof ApprovalSettings>;

/** The list of approvers cannot be read as it is now, so nobody is on it. */
export class UnreadableApproversError extends Error {
  override readonly name = 'UnreadableApproversError';
}

const repeated = (list: readonly string[]) => [...new Set(list.filter((each, index) => list.indexOf(each) !== index))];

function problemsWithPeople({ approvers }: ApprovalSettings): string[] {
  const problems = repeated(approvers.map(({ id }) => id)).map(
    (id) => `approvals.approvers: two approvers have the id ${id}`,
  );
  for (const [index, one] of approvers.entries()) {
    const twin = approvers.slice(index + 1).find(
      (other) =>
        other.id !== one.id &&
        // A role in one entry and a session of it in another is one person as well.
        (sharesPerson(namesOfRequester(namesOf(one)), namesOf(other)) ||
          sharesPerson(namesOf(one), namesOfRequester(namesOf(other)))),
    );
    if (twin) {
      problems.push(`approvals.approvers: ${one.id} and ${twin.id} share a name, so one person could approve twice`);
    }
  }
  return problems;
}

function problemsWithGroups({ approvers, groups, rules, escalation, breakGlassGroup }: ApprovalSettings): string[] {
  const problems: string[] = [];
  const ids = new Set(approvers.map(({ id }) => id));
  for (const [name, members] of Object.entries(groups)) {
    for (const id of members.filter((each) => !ids.has(each))) {
      problems.push(`approvals.groups.${name}: ${JSON.stringify(id)} is not the id of an approver`);
    }
    for (const id of repeated(members)) problems.push(`approvals.groups.${name}: ${id} is in it twice`);
  }
  const used = [
    ...rules.map(({ group }, index) => ({ where: `rules.${index}.group`, group })),
    ...(escalation ? [{ where: 'escalation.group', group: escalation.group }] : []),
    ...(breakGlassGroup === undefined ? [] : [{ where: 'breakGlassGroup', group: breakGlassGroup }]),
  ];
  for (const { where, group } of used) {
    if (!Object.hasOwn(groups, group)) problems.push(`approvals.${where}: there is no group ${JSON.stringify(group)}`);
  }
  return problems;
}

function problemsWithNumbers(settings: ApprovalSettings): string[] {
  const { approvers, groups, rules, timeoutHours, escalation } = settings;
  const problems: string[] = [];
  for (const [index, { group, count }] of rules.entries()) {
    const size = new Set(Object.hasOwn(groups, group) ? groups[group] : []).size;
    if (size > 0 && count > size) {
      problems.push(`approvals.rules.${index}.count: ${count} of ${group} are wanted, which has ${size}`);
    }
  }
  for (const name of ['requiredApprovals', 'requiredApprovalsIfRequesterUnknown'] as const) {
    // With no approvers nobody can approve, which is allowed and said elsewhere; with too few it is a mistake.
    if (approvers.length > 0 && settings[name] > approvers.length && settings[name] > STANDARD[name]) {
      problems.push(`approvals.${name}: ${settings[name]} are wanted, and there are ${approvers.length} approvers`);
    }
  }
  if (escalation && escalation.afterHours >= timeoutHours) {
    problems.push(
      `approvals.escalation.afterHours: ${escalation.afterHours} is not before the request expires (timeoutHours: ${timeoutHours})`,
    );
  }
  return problems;
}

// One approver and no word about numbers is a small team, not a mistake: changes of unknown requesters expire there.
const STANDARD = { requiredApprovals: 1, requiredApprovalsIfRequesterUnknown: 2 } as const;

/** What is wrong with settings whose every field is right by itself. */
export function problemsWithApprovals(settings: ApprovalSettings): string[] {
  return [...problemsWithPeople(settings), ...problemsWithGroups(settings), ...problemsWithNumbers(settings)];
}

/** The settings where groups do not count: every approver is in every group. */
export function withoutGroups(settings: ApprovalSettings): ApprovalSettings {
  const everybody = settings.approvers.map(({ id }) => id);
  const groups = Object.fromEntries(Object.keys(settings.groups).map((name) => [name, everybody]));
  return { ...settings, groups };
}

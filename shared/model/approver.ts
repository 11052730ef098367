import * as z from 'zod';

/** Somebody who may approve, with every name that is the same person. */
export const Approver = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, dots, hyphens')
    .describe('Short name, used in records.'),
  name: z.string().min(1),
  email: z.email(),
  awsIdentities: z
    .array(z.string().min(1))
    .default([])
    .describe('Other names of the same person: IAM user names, role session names, source identities, ARNs.'),
});
export type Approver = z.infer<typeof Approver>;

/** All names under which this person may turn up in CloudTrail. */
export function namesOf(approver: Approver): string[] {
  return [approver.id, approver.email, ...approver.awsIdentities];
}

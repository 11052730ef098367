import type { AttributeValue } from '@aws-sdk/client-dynamodb';

const A_DAY_S = 86_400;

/**
 * When the approvals table may forget a session, a login or a code: a day after it has expired. DynamoDB deletes late
 * and the local store never does, so whoever reads one looks at `expiresAt`; this is for tidiness only.
 */
export function goneAfter(expiresAt: string): AttributeValue {
  return { N: String(Math.ceil(Date.parse(expiresAt) / 1000) + A_DAY_S) };
}

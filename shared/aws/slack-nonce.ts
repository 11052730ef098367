import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { sha256 } from '../model/canonical-json.ts';
import { SLACK_WINDOW_SECONDS } from '../model/slack-signature.ts';
import { goneAfter } from './gone-after.ts';
import type { With } from './services.ts';

/**
 * Is this the first time that something with this signature comes in? Kept for longer than a signature is good for, so
 * that what somebody has recorded cannot be sent again.
 */
export async function isFirstWithSignature(services: With<'dynamodb'>, signature: string): Promise<boolean> {
  const expiresAt = new Date(Date.parse(services.now()) + 2 * SLACK_WINDOW_SECONDS * 1_000).toISOString();
  try {
    await services.dynamodb.send(
      new UpdateItemCommand({
        TableName: services.config.tables.approvals,
        Key: { id: { S: `slack#${sha256(signature)}` } },
        UpdateExpression: 'SET expiresAt = :expiresAt, goneAfter = :goneAfter',
        ConditionExpression: 'attribute_not_exists(id)',
        ExpressionAttributeValues: { ':expiresAt': { S: expiresAt }, ':goneAfter': goneAfter(expiresAt) },
      }),
    );
    return true;
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false;
    throw error;
  }
}

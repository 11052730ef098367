import { beforeAll, describe, expect, test } from 'vitest';
import { tableDefinitions } from '../../local/tables.ts';
import { ofType, readTemplate, STAGES, type Template } from './packaged.ts';

const templates = new Map<string, Template>();
beforeAll(async () => {
  for (const stage of STAGES) templates.set(stage, await readTemplate(stage));
}, 180_000);

const byName = <T extends { AttributeName?: string | undefined; IndexName?: string | undefined }>(items: T[] = []) =>
  [...items].sort((a, b) => ((a.AttributeName ?? a.IndexName ?? '') < (b.AttributeName ?? b.IndexName ?? '') ? -1 : 1));

describe.each(STAGES)('tables of %s', (stage) => {
  const tables = () => ofType(templates.get(stage) as Template, 'AWS::DynamoDB::Table');

  test('have the keys and indexes of the local ones', () => {
    const name = `portcullis-${stage}`;
    const local = tableDefinitions({ ledger: `${name}-ledger`, approvals: `${name}-approvals`, work: `${name}-work` });
    expect(local.length).toBe(3);
    expect(tables().length).toBe(3);
    for (const definition of local) {
      const [, table] = tables().find(([, { Properties }]) => Properties.TableName === definition.TableName) ?? [];
      const { BillingMode, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = table?.Properties ?? {};
      expect({
        BillingMode,
        KeySchema,
        AttributeDefinitions: byName(AttributeDefinitions),
        indexes: byName(GlobalSecondaryIndexes),
      }).toEqual({
        BillingMode: definition.BillingMode,
        KeySchema: definition.KeySchema,
        AttributeDefinitions: byName(definition.AttributeDefinitions),
        indexes: byName(definition.GlobalSecondaryIndexes),
      });
    }
  });
  test('are encrypted with our key, can be restored to any second, and stay when the stack goes', () => {
    for (const [id, { Properties, DeletionPolicy, UpdateReplacePolicy }] of tables()) {
      expect({ DeletionPolicy, UpdateReplacePolicy }, id).toEqual({
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
      });
      expect(Properties, id).toMatchObject({
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: { 'Fn::GetAtt': ['DataKey', 'Arn'] } },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
    }
  });
  test('that are evidence cannot be deleted', () => {
    const kept = tables().filter(([, { Properties }]) => Properties.DeletionProtectionEnabled === true);
    expect(kept.map(([id]) => id)).toEqual(['LedgerTable', 'ApprovalsTable']);
  });
  test('let only the ledger be followed, old images included', () => {
    const streams = tables().flatMap(([id, { Properties }]) =>
      Properties.StreamSpecification ? [[id, Properties.StreamSpecification]] : [],
    );
    expect(streams).toEqual([['LedgerTable', { StreamViewType: 'NEW_AND_OLD_IMAGES' }]]);
  });
  test('keep their keys as long as themselves', () => {
    const keys = ofType(templates.get(stage) as Template, 'AWS::KMS::Key');
    expect(keys.map(([id]) => id)).toEqual(['DataKey', 'TokenKey', 'CheckpointKey']);
    for (const [id, key] of keys) {
      expect(key, id).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
      // KMS rotates no key that signs.
      expect(key.Properties.EnableKeyRotation, id).toBe(key.Properties.KeyUsage === 'SIGN_VERIFY' ? undefined : true);
    }
  });
});

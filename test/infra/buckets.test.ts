import { beforeAll, describe, expect, test } from 'vitest';
import { arn, ofType, type Resource, readTemplate, STAGES, type Template } from './packaged.ts';

const templates = new Map<string, Template>();
beforeAll(async () => {
  for (const stage of STAGES) templates.set(stage, await readTemplate(stage));
}, 180_000);
const resource = (stage: string, id: string) => templates.get(stage)?.Resources[id] as Resource;

const OURS = ['ArchiveBucket', 'TrailBucket'];
const RETENTION = { dev: { Mode: 'GOVERNANCE', Days: 1 }, prod: { Mode: 'COMPLIANCE', Years: 7 } };

describe.each(STAGES)('buckets of %s', (stage) => {
  test('are the archive, the trail, and where packages are put', () => {
    const ids = ofType(templates.get(stage) as Template, 'AWS::S3::Bucket').map(([id]) => id);
    expect(ids.sort()).toEqual([...OURS, 'ServerlessDeploymentBucket'].sort());
  });
  test.each(OURS)('%s locks what is put into it', (id) => {
    expect(resource(stage, id).Properties).toMatchObject({
      ObjectLockEnabled: true,
      ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: RETENTION[stage] } },
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });
  test.each(OURS)('%s is nobody else’s business, is encrypted with our key, and stays', (id) => {
    expect(resource(stage, id)).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              ServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: { 'Fn::GetAtt': ['DataKey', 'Arn'] },
              },
            },
          ],
        },
      },
    });
  });
  test.each(OURS)('%s refuses what does not come over TLS', (id) => {
    const policy = resource(stage, `${id}Policy`);
    expect(policy.DeletionPolicy).toBe('Retain');
    expect(policy.Properties.Bucket).toEqual({ Ref: id });
    expect(policy.Properties.PolicyDocument.Statement[0]).toEqual({
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [{ 'Fn::GetAtt': [id, 'Arn'] }, { 'Fn::Sub': `\${${id}.Arn}/*` }],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });
  test('no public access and TLS go for packages too', () => {
    const { Properties } = resource(stage, 'ServerlessDeploymentBucket');
    expect(Properties.PublicAccessBlockConfiguration.RestrictPublicBuckets).toBe(true);
    expect(Properties.BucketEncryption).toBeDefined();
    const [statement] = resource(stage, 'ServerlessDeploymentBucketPolicy').Properties.PolicyDocument.Statement;
    expect(statement).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': false } } });
  });
});

describe('the way from the ledger to the archive', () => {
  test('tries again, in halves, and puts what cannot be archived into a queue', () => {
    expect(resource('prod', 'LedgerStreamMapping').Properties).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': ['LedgerTable', 'StreamArn'] },
      FunctionName: { 'Fn::GetAtt': ['ArchiveRecordsLambdaFunction', 'Arn'] },
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 100,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['ArchiveFailures', 'Arn'] } } },
    });
  });
});

describe('the trail', () => {
  const TRAIL = arn('cloudtrail', 'trail/portcullis-prod');

  test('logs every management event and every write of the ledger, with digests', () => {
    expect(resource('prod', 'Trail').Properties).toMatchObject({
      IsLogging: true,
      IsMultiRegionTrail: true,
      EnableLogFileValidation: true,
      KMSKeyId: { 'Fn::GetAtt': ['DataKey', 'Arn'] },
      S3BucketName: { Ref: 'TrailBucket' },
    });
    const [management, ledger] = resource('prod', 'Trail').Properties.AdvancedEventSelectors;
    expect(management.FieldSelectors).toEqual([{ Field: 'eventCategory', Equals: ['Management'] }]);
    expect(ledger.FieldSelectors).toEqual([
      { Field: 'eventCategory', Equals: ['Data'] },
      { Field: 'resources.type', Equals: ['AWS::DynamoDB::Table'] },
      { Field: 'resources.ARN', Equals: [{ 'Fn::GetAtt': ['LedgerTable', 'Arn'] }] },
      { Field: 'readOnly', Equals: ['false'] },
    ]);
  });
  test('may write to its bucket, and so may no other trail', () => {
    const [, looks, writes, ...more] = resource('prod', 'TrailBucketPolicy').Properties.PolicyDocument.Statement;
    expect(more).toEqual([]);
    expect([looks.Action, writes.Action]).toEqual(['s3:GetBucketAcl', 's3:PutObject']);
    for (const { Principal, Condition } of [looks, writes]) {
      expect(Principal).toEqual({ Service: 'cloudtrail.amazonaws.com' });
      expect(Condition.StringEquals['aws:SourceArn']).toEqual(TRAIL);
    }
  });
  test('is left out, with its bucket, where the account has one', () => {
    expect(templates.get('prod')?.Conditions.OwnTrail).toEqual({ 'Fn::Equals': ['own', 'own'] });
    for (const id of ['Trail', 'TrailBucket', 'TrailBucketPolicy'])
      expect(resource('prod', id).Condition).toBe('OwnTrail');
    const conditional = Object.entries(templates.get('prod')?.Resources ?? {}).filter(
      ([, { Condition }]) => Condition === 'OwnTrail',
    );
    expect(conditional.length).toBe(3);
  });
});

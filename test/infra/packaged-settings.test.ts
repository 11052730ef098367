import { describe, expect, test } from 'vitest';
import { Deployment, problemsWithRemediation, Region, Stage, stageValues } from '../../scripts/packaged-settings.ts';
import { ConfigFile } from '../../shared/config.ts';

const needed = { mailFrom: 'gate@example.com', alarmMail: 'alarms@example.com' };
const values = (deployment: object, file: object = {}) =>
  stageValues(Deployment.parse({ ...needed, ...deployment }), ConfigFile.parse(file));

describe('what the templates read', () => {
  test('a stage that says nothing about the archive can be deleted after a day', () => {
    expect(values({}).objectLock).toEqual({ Mode: 'GOVERNANCE', Days: 1 });
  });
  test('a stage in compliance mode says for how many years', () => {
    expect(values({ archive: { mode: 'COMPLIANCE', years: 10 } }).objectLock).toEqual({
      Mode: 'COMPLIANCE',
      Years: 10,
    });
    expect(Deployment.safeParse({ ...needed, archive: { mode: 'COMPLIANCE', days: 1 } }).success).toBe(false);
  });
  test('an approval is late after three quarters of its time and stuck an hour after its end', () => {
    expect(values({}, { approvals: { timeoutHours: 4 } })).toMatchObject({
      approvalLateSeconds: 3 * 3_600,
      approvalStuckSeconds: 5 * 3_600,
    });
  });
  test('members are accounts that may send and roles that may be taken', () => {
    const members = { accounts: ['111111111111', '222222222222'], readRole: 'reads' };
    expect(values({}, { members })).toMatchObject({
      memberAccounts: '111111111111,222222222222',
      memberRoleArns: ['arn:aws:iam::111111111111:role/reads', 'arn:aws:iam::222222222222:role/reads'],
    });
  });
  test('buckets of artifacts narrow what may be looked at', () => {
    const { artifactBucketArns, artifactObjectArns } = values({ artifactBuckets: ['models-*'] });
    expect(artifactBucketArns).toEqual([{ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::models-*` }]);
    expect(artifactObjectArns).toEqual([{ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::models-*/*` }]);
  });
  test('a console with an address of its own is linked by that', () => {
    expect(values({ consoleUrl: 'https://gate.example.com' }).consoleUrl).toBe('https://gate.example.com');
    expect(values({}).consoleUrl).toEqual({
      'Fn::Sub': `https://\${HttpApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}`,
    });
  });
});

describe('names', () => {
  test.each(['dev', 'prod', 'eu-prod2'])('%s can be a stage', (stage) =>
    expect(Stage.safeParse(stage).success).toBe(true),
  );
  test.each(['', 'Prod', '1st', 'production-1', 'a_b'])('%j cannot be a stage', (stage) =>
    expect(Stage.safeParse(stage).success).toBe(false),
  );
  test('the longest name fits into that of a bucket, which takes 63 characters', () => {
    const longest = `portcullis-${'s'.repeat(9)}-ledger-archive-${'1'.repeat(12)}-ap-southeast-1`;
    expect(longest.length).toBeLessThanOrEqual(63);
  });
  test.each(['us-east-1', 'eu-west-1', 'ap-southeast-2', 'us-gov-west-1'])('%s is a region', (region) =>
    expect(Region.safeParse(region).success).toBe(true),
  );
  test.each(['', 'Europe', 'us-east', 'us_east_1'])('%j is no region', (region) =>
    expect(Region.safeParse(region).success).toBe(false),
  );
});

describe('a stage that may not put anything back', () => {
  const problems = (remediation: 'on' | 'off') =>
    problemsWithRemediation(
      Deployment.parse({ ...needed, remediation }),
      ConfigFile.parse({ policies: { prod: { remediation: 'enforce' } } }),
    );
  test('is not packaged with settings that want it to, and the message says both ways out', () => {
    expect(problems('off')).toEqual([
      expect.stringMatching(/policies\.prod\.remediation: "enforce": .*remediation: on.*or "propose"/),
    ]);
    expect(problems('on')).toEqual([]);
  });
  test('is the default, and proposing is what the settings want by default', () => {
    expect(Deployment.parse(needed).remediation).toBe('off');
    expect(ConfigFile.parse({}).policies.prod.remediation).toBe('propose');
  });
});

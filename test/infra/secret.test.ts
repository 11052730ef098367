import { beforeAll, describe, expect, test } from 'vitest';
import { ofType, readTemplate, STAGES, type Template } from './packaged.ts';

const templates = new Map<string, Template>();
beforeAll(async () => {
  for (const stage of STAGES) templates.set(stage, await readTemplate(stage));
}, 180_000);

describe.each(STAGES)('the secret of %s', (stage) => {
  const secrets = () => ofType(templates.get(stage) as Template, 'AWS::SecretsManager::Secret');
  test('is one, encrypted with our key, and stays', () => {
    expect(secrets().map(([id]) => id)).toEqual(['Secret']);
    expect(secrets()[0]?.[1]).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { KmsKeyId: { 'Fn::GetAtt': ['DataKey', 'Arn'] }, Name: `portcullis-${stage}` },
    });
  });
  test('has nothing in the template, so that a deploy changes nothing that was put in', () => {
    expect(secrets()[0]?.[1].Properties.SecretString).toBe('{}');
    expect(secrets()[0]?.[1].Properties).not.toHaveProperty('GenerateSecretString');
  });
  test('is named to the functions that read it, and no value is in their environment', () => {
    const functions = ofType(templates.get(stage) as Template, 'AWS::Lambda::Function').map(([, { Properties }]) => ({
      name: String(Properties.Handler).slice('functions/'.length, -'.handler'.length),
      environment: Properties.Environment.Variables as Record<string, unknown>,
    }));
    const named = functions.filter(({ environment }) => 'PORTCULLIS_SECRET_ID' in environment);
    expect(named.map(({ name }) => name).sort()).toEqual([
      'request-approval',
      'show-console',
      'take-answers',
      'take-plans',
      'tell-approvers',
      'tend-requests',
    ]);
    for (const { environment } of named) expect(environment.PORTCULLIS_SECRET_ID).toEqual({ Ref: 'Secret' });
    for (const { environment } of functions)
      expect(Object.keys(environment).filter((name) => /SLACK|OIDC|TOKEN(?!_KEY)/.test(name))).toEqual([]);
  });
});

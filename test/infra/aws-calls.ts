import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { root } from './packaged.ts';

/** The IAM action of each call that our code makes, by its name in the SDK. A call that is not here fails the test. */
const ACTION_OF: Record<string, string[]> = {
  'client-application-auto-scaling:DescribeScalableTargetsCommand': ['application-autoscaling:DescribeScalableTargets'],
  'client-application-auto-scaling:DescribeScheduledActionsCommand': [
    'application-autoscaling:DescribeScheduledActions',
  ],
  'client-cloudwatch:DescribeAlarmsCommand': ['cloudwatch:DescribeAlarms'],
  'client-cloudwatch:paginateDescribeAlarmHistory': ['cloudwatch:DescribeAlarmHistory'],
  'client-cloudwatch:EnableAlarmActionsCommand': ['cloudwatch:EnableAlarmActions'],
  'client-cloudwatch:GetAlarmMuteRuleCommand': ['cloudwatch:GetAlarmMuteRule'],
  'client-cloudwatch:ListAlarmMuteRulesCommand': ['cloudwatch:ListAlarmMuteRules'],
  'client-dynamodb:BatchWriteItemCommand': ['dynamodb:BatchWriteItem'],
  'client-dynamodb:DeleteItemCommand': ['dynamodb:DeleteItem'],
  // The one statement that there is inserts; see the test below.
  'client-dynamodb:ExecuteStatementCommand': ['dynamodb:PartiQLInsert'],
  'client-dynamodb:GetItemCommand': ['dynamodb:GetItem'],
  'client-dynamodb:PutItemCommand': ['dynamodb:PutItem'],
  'client-dynamodb:QueryCommand': ['dynamodb:Query'],
  'client-dynamodb:UpdateItemCommand': ['dynamodb:UpdateItem'],
  'client-dynamodb:paginateQuery': ['dynamodb:Query'],
  'client-kms:DecryptCommand': ['kms:Decrypt'],
  'client-kms:EncryptCommand': ['kms:Encrypt'],
  'client-kms:GetPublicKeyCommand': ['kms:GetPublicKey'],
  'client-kms:SignCommand': ['kms:Sign'],
  'client-pricing:paginateGetProducts': ['pricing:GetProducts'],
  'client-s3:GetBucketEncryptionCommand': ['s3:GetEncryptionConfiguration'],
  'client-s3:GetObjectCommand': ['s3:GetObject'],
  'client-s3:ListObjectsV2Command': ['s3:ListBucket'],
  'client-s3:HeadObjectCommand': ['s3:GetObject'],
  'client-s3:PutObjectCommand': ['s3:PutObject'],
  'client-s3:paginateListObjectsV2': ['s3:ListBucket'],
  'client-sagemaker:DescribeDataQualityJobDefinitionCommand': ['sagemaker:DescribeDataQualityJobDefinition'],
  'client-sagemaker:DescribeEndpointCommand': ['sagemaker:DescribeEndpoint'],
  'client-sagemaker:DescribeEndpointConfigCommand': ['sagemaker:DescribeEndpointConfig'],
  'client-sagemaker:DescribeInferenceComponentCommand': ['sagemaker:DescribeInferenceComponent'],
  'client-sagemaker:DescribeModelBiasJobDefinitionCommand': ['sagemaker:DescribeModelBiasJobDefinition'],
  'client-sagemaker:DescribeModelCommand': ['sagemaker:DescribeModel'],
  'client-sagemaker:DescribeModelExplainabilityJobDefinitionCommand': [
    'sagemaker:DescribeModelExplainabilityJobDefinition',
  ],
  'client-sagemaker:DescribeModelPackageCommand': ['sagemaker:DescribeModelPackage'],
  'client-sagemaker:DescribeModelQualityJobDefinitionCommand': ['sagemaker:DescribeModelQualityJobDefinition'],
  'client-sagemaker:DescribeMonitoringScheduleCommand': ['sagemaker:DescribeMonitoringSchedule'],
  'client-sagemaker:StartMonitoringScheduleCommand': ['sagemaker:StartMonitoringSchedule'],
  'client-sagemaker:UpdateEndpointCommand': ['sagemaker:UpdateEndpoint'],
  'client-sagemaker:UpdateEndpointWeightsAndCapacitiesCommand': ['sagemaker:UpdateEndpointWeightsAndCapacities'],
  'client-sagemaker:paginateListEndpoints': ['sagemaker:ListEndpoints'],
  'client-sagemaker:paginateListInferenceComponents': ['sagemaker:ListInferenceComponents'],
  'client-sagemaker:paginateListMonitoringSchedules': ['sagemaker:ListMonitoringSchedules'],
  'client-sagemaker:paginateSearch': ['sagemaker:Search'],
  'client-sagemaker:paginateListTags': ['sagemaker:ListTags'],
  'client-secrets-manager:GetSecretValueCommand': ['secretsmanager:GetSecretValue'],
  'client-sesv2:SendEmailCommand': ['ses:SendEmail'],
  'client-sfn:DescribeExecutionCommand': ['states:DescribeExecution'],
  'client-sfn:SendTaskSuccessCommand': ['states:SendTaskSuccess'],
  'client-sfn:StartExecutionCommand': ['states:StartExecution'],
  'client-sts:AssumeRoleCommand': ['sts:AssumeRole'],
};

/** Whatever our code takes from the SDK, client by client. */
function importedNames(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const folder of ['functions', 'shared/aws', 'shared/aws/clients', 'shared']) {
    for (const file of readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'))) {
      const text = readFileSync(join(root, folder, file), 'utf8');
      for (const [, names = '', client = ''] of text.matchAll(/import \{([^}]*)\} from '@aws-sdk\/([\w-]+)'/g)) {
        const set = found.get(client) ?? new Set();
        for (const name of names.split(',')) set.add(name.trim().replace(/^type /, ''));
        set.delete('');
        found.set(client, set);
      }
    }
  }
  return found;
}

/** Puts pure calls in the SDK's place: those that survive tree shaking are those that the bundle can make. */
function recording(names: Map<string, Set<string>>): Plugin {
  return {
    name: 'recording',
    setup(build) {
      build.onResolve({ filter: /^@aws-sdk\// }, ({ path }) => ({ path: path.slice(9), namespace: 'sdk' }));
      build.onLoad({ filter: /./, namespace: 'sdk' }, ({ path }) => ({
        contents: [...(names.get(path) ?? [])]
          .map((name) => `export const ${name} = /* @__PURE__ */ sdk(${JSON.stringify(`${path}:${name}`)});`)
          .join('\n'),
      }));
    },
  };
}

/** The calls that are left in a function's bundle: `client-sfn:StartExecutionCommand`. */
async function callsOf(name: string): Promise<string[]> {
  const { outputFiles } = await build({
    entryPoints: [join(root, `functions/${name}.ts`)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    treeShaking: true,
    logLevel: 'error',
    packages: 'external',
    plugins: [recording(importedNames())],
  });
  const text = outputFiles[0]?.text ?? '';
  const found = [...text.matchAll(/\bsdk\("([\w-]+:\w+)"\)/g)].map(([, call = '']) => call);
  return found.filter((call) => !call.endsWith('Client')).sort();
}

/** The IAM actions that a function's code needs, each with the calls that it is for. */
export async function actionsOf(name: string): Promise<string[]> {
  const calls = await callsOf(name);
  const unknown = calls.filter((call) => !(call in ACTION_OF));
  if (unknown.length > 0) throw new Error(`Which IAM action is that: ${unknown.join(', ')}?`);
  return [...new Set(calls.flatMap((call) => ACTION_OF[call] ?? []))].sort();
}

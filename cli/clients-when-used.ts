import { createRequire } from 'node:module';
import type { allClients } from '../shared/aws/clients.ts';
import type { Config } from '../shared/config.ts';

type Makers = typeof allClients;

const require = createRequire(import.meta.url);

/** A client that is loaded and made at its first use; until then nothing of its package is in memory. */
function whenUsed<Name extends keyof Makers>(
  name: Name,
  load: () => unknown,
): (config: Config) => ReturnType<Makers[Name]> {
  return (config) => {
    let client: object | undefined;
    const made = () => {
      client ??= (load() as Pick<Makers, Name>)[name](config);
      return client;
    };
    return new Proxy({} as ReturnType<Makers[Name]>, {
      // Paginators of the SDK ask whether it is an instance of their client.
      getPrototypeOf: () => Reflect.getPrototypeOf(made()),
      get: (_target, key) => {
        const value: unknown = Reflect.get(made(), key);
        return typeof value === 'function' ? value.bind(made()) : value;
      },
    });
  };
}

/**
 * The clients of a command. It uses two or three of eleven, and loading all takes a good quarter of its time: `changes` took
 * 1.1 s of the processor with all, and 0.8 s with DynamoDB's alone.
 */
export const clientsWhenUsed = {
  sagemaker: whenUsed('sagemaker', () => require('../shared/aws/clients/sagemaker.ts')),
  cloudwatch: whenUsed('cloudwatch', () => require('../shared/aws/clients/cloudwatch.ts')),
  scaling: whenUsed('scaling', () => require('../shared/aws/clients/scaling.ts')),
  s3: whenUsed('s3', () => require('../shared/aws/clients/s3.ts')),
  dynamodb: whenUsed('dynamodb', () => require('../shared/aws/clients/dynamodb.ts')),
  sfn: whenUsed('sfn', () => require('../shared/aws/clients/sfn.ts')),
  kms: whenUsed('kms', () => require('../shared/aws/clients/kms.ts')),
  ses: whenUsed('ses', () => require('../shared/aws/clients/ses.ts')),
  secrets: whenUsed('secrets', () => require('../shared/aws/clients/secrets.ts')),
  sts: whenUsed('sts', () => require('../shared/aws/clients/sts.ts')),
  pricing: whenUsed('pricing', () => require('../shared/aws/clients/pricing.ts')),
};

import { cloudwatch } from './clients/cloudwatch.ts';
import { dynamodb } from './clients/dynamodb.ts';
import { kms } from './clients/kms.ts';
import { pricing } from './clients/pricing.ts';
import { s3 } from './clients/s3.ts';
import { sagemaker } from './clients/sagemaker.ts';
import { scaling } from './clients/scaling.ts';
import { secrets } from './clients/secrets.ts';
import { ses } from './clients/ses.ts';
import { sfn } from './clients/sfn.ts';
import { sts } from './clients/sts.ts';

/**
 * One maker for each AWS service, for who runs everything. A Lambda imports those it calls, each from its own file, and
 * is bundled with those only.
 */
export const allClients = { sagemaker, cloudwatch, scaling, s3, dynamodb, sfn, kms, ses, secrets, sts, pricing };

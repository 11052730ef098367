import { KMSClient } from '@aws-sdk/client-kms';
import type { Config } from '../../config.ts';
import { own } from './options.ts';

export const kms = (config: Config) => new KMSClient(own(config));

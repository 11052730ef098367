import { STSClient } from '@aws-sdk/client-sts';
import type { Config } from '../../config.ts';
import { plain, watching } from './options.ts';

export const sts = (config: Config) => watching(new STSClient(plain(config)), config);

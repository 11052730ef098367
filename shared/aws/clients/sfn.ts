import { SFNClient } from '@aws-sdk/client-sfn';
import type { Config } from '../../config.ts';
import { own } from './options.ts';

export const sfn = (config: Config) => new SFNClient(own(config));

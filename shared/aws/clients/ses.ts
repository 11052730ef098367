import { SESv2Client } from '@aws-sdk/client-sesv2';
import type { Config } from '../../config.ts';
import { own } from './options.ts';

export const ses = (config: Config) => new SESv2Client(own(config));

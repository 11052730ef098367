import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson } from '../../shared/model/canonical-json.ts';
import { wholeSeconds } from './cloudtrail.ts';
import { present, readInput } from './input.ts';
import { AwsError, type Loopback, type ServiceTable } from './loopback.ts';

export function sts({ account }: Loopback): ServiceTable {
  return {
    // `Action` names the elements of the query protocol's answer.
    GetCallerIdentity: (_input, { accessKeyId }) => ({
      Action: 'GetCallerIdentity',
      UserId: accessKeyId,
      Account: account,
      Arn: `arn:aws:iam::${account}:user/${accessKeyId}`,
    }),
  };
}

const Context = z.record(z.string(), z.string()).default({});
const Blob = z.base64();
const EncryptInput = z.looseObject({ KeyId: z.string().min(1).max(2048), Plaintext: Blob, EncryptionContext: Context });
const DecryptInput = z.looseObject({ CiphertextBlob: Blob, KeyId: z.string().optional(), EncryptionContext: Context });

const MAX_PLAINTEXT = 4096;

/** Symmetric keys, made when they are first used; a blob names its key, so decrypting needs no KeyId. */
export function kms(loopback: Loopback): ServiceTable {
  const keyNameOf = (keyId: string) => keyId.replace(/^arn:aws[a-z-]*:kms:[^:]+:\d+:(key\/)?/, '');
  const arnOf = (name: string) =>
    `arn:aws:kms:${loopback.region}:${loopback.account}:${name.startsWith('alias/') ? '' : 'key/'}${name}`;
  const keyFor = (name: string): Buffer => {
    const stored = loopback.store.get<{ key: string }>('kms-key', name);
    if (stored) return Buffer.from(stored.key, 'base64');
    const key = randomBytes(32);
    loopback.store.put('kms-key', name, { key: key.toString('base64') });
    return key;
  };
  const associated = (name: string, context: Record<string, string>) =>
    Buffer.from(canonicalJson([name, context]), 'utf8');
  return {
    Encrypt: (input) => {
      const { KeyId, Plaintext, EncryptionContext } = readInput(EncryptInput, input);
      const name = keyNameOf(KeyId);
      const plaintext = Buffer.from(Plaintext, 'base64');
      if (plaintext.length > MAX_PLAINTEXT) {
        throw new AwsError('ValidationException', `Plaintext may have ${MAX_PLAINTEXT} bytes at most.`);
      }
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keyFor(name), iv);
      cipher.setAAD(associated(name, EncryptionContext));
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      const nameBytes = Buffer.from(name, 'utf8');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(nameBytes.length);
      const blob = Buffer.concat([length, nameBytes, iv, cipher.getAuthTag(), sealed]);
      return { CiphertextBlob: blob.toString('base64'), KeyId: arnOf(name), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
    },
    Decrypt: (input) => {
      const { CiphertextBlob, KeyId, EncryptionContext } = readInput(DecryptInput, input);
      const blob = Buffer.from(CiphertextBlob, 'base64');
      const start = 2 + (blob.length >= 2 ? blob.readUInt16BE(0) : 0);
      const name = blob.subarray(2, start).toString('utf8');
      if (blob.length < start + 28 || !loopback.store.get('kms-key', name)) {
        throw new AwsError('InvalidCiphertextException', 'The ciphertext refers to no key of this account.');
      }
      if (KeyId !== undefined && keyNameOf(KeyId) !== name) {
        throw new AwsError(
          'IncorrectKeyException',
          'The key ID in the request does not identify the key of the ciphertext.',
        );
      }
      const decipher = createDecipheriv('aes-256-gcm', keyFor(name), blob.subarray(start, start + 12));
      decipher.setAAD(associated(name, EncryptionContext));
      decipher.setAuthTag(blob.subarray(start + 12, start + 28));
      try {
        const plaintext = Buffer.concat([decipher.update(blob.subarray(start + 28)), decipher.final()]);
        return {
          Plaintext: plaintext.toString('base64'),
          KeyId: arnOf(name),
          EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
        };
      } catch {
        throw new AwsError('InvalidCiphertextException', 'The ciphertext or its encryption context has been changed.');
      }
    },
  };
}

const Text = z.looseObject({ Data: z.string() });
const MailInput = z.looseObject({
  FromEmailAddress: z.string().min(1),
  Destination: z.looseObject({
    ToAddresses: z.array(z.string()).default([]),
    CcAddresses: z.array(z.string()).default([]),
    BccAddresses: z.array(z.string()).default([]),
  }),
  Content: z.looseObject({
    Simple: z.looseObject(
      { Subject: Text, Body: z.looseObject({ Text: Text.optional(), Html: Text.optional() }) },
      'The loopback AWS sends Simple mails only',
    ),
  }),
});

/** A mail that was accepted; nothing is sent. */
export type Mail = { id: string; to: string[]; from: string; subject: string; text: string; at: string };

export function ses(loopback: Loopback): ServiceTable {
  return {
    SendEmail: (input) => {
      const { FromEmailAddress, Destination, Content } = readInput(MailInput, input, 'BadRequestException');
      const { ToAddresses, CcAddresses, BccAddresses } = Destination;
      const to = [...ToAddresses, ...CcAddresses, ...BccAddresses];
      if (to.length === 0) throw new AwsError('BadRequestException', 'A mail must have a recipient.');
      const { Subject, Body } = Content.Simple;
      const mail: Mail = {
        id: loopback.newId(),
        to,
        from: FromEmailAddress,
        subject: Subject.Data,
        text: Body.Text?.Data ?? Body.Html?.Data ?? '',
        at: loopback.now().toISOString(),
      };
      loopback.store.put('outbox', mail.id, mail);
      return { MessageId: mail.id };
    },
  };
}

const Entry = z.looseObject({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  Time: z.number().min(0).max(8.64e12).optional(),
  Resources: z.array(z.string()).optional(),
  EventBusName: z.string().optional(),
});
const PutEventsInput = z.looseObject({ Entries: z.array(Entry).min(1).max(10) });

function detailFrom(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The default bus. AWS refuses sources that begin with `aws.`; this bus takes them, so events can be replayed. */
export function events(loopback: Loopback): ServiceTable {
  const put = ({ Source, DetailType, Detail, Time, Resources, EventBusName }: z.infer<typeof Entry>) => {
    const refused = (ErrorCode: string, ErrorMessage: string) => ({ ErrorCode, ErrorMessage });
    if (EventBusName && !/(^|\/)default$/.test(EventBusName)) {
      return refused('ResourceNotFoundException', `There is no event bus ${EventBusName}, only the default one.`);
    }
    if (!Source || !DetailType || !Detail)
      return refused('InvalidArgument', 'Source, DetailType and Detail are required.');
    const detail = detailFrom(Detail);
    if (!detail) return refused('MalformedDetail', 'Detail is malformed.');
    const time = wholeSeconds(Time === undefined ? loopback.now() : new Date(Time * 1000));
    const event = {
      id: loopback.newId(),
      source: Source,
      'detail-type': DetailType,
      time,
      detail,
      ...present({ resources: Resources }),
    };
    loopback.emit(event);
    return { EventId: event.id };
  };
  return {
    PutEvents: (input) =>
      loopback.store.together(() => {
        const Entries = readInput(PutEventsInput, input).Entries.map(put);
        return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
      }),
  };
}

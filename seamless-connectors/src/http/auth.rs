//! Who we are to a system. Tokens are fetched once for all who wait for one, and again when they are too old or refused.
//! No secret is shown: neither by `Debug`, nor in an error, nor to a layer that prints headers.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use seamless_core::model::{Error, ErrorKind, Result};
use seamless_core::secret::Secret;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::base64;
use super::origin::safe;
use super::redact::excerpt;
use super::retry_after::wait;
use super::status;
use super::traffic::Counters;

/// A token is fetched anew this long before it ends: what is sent must be good when it arrives.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);
/// Bytes of an answer with a token at most.
const TOKEN_BYTES_MAX: usize = 256 * 1024;

/// Who a connector is to its system. Secrets in it are shown nowhere.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Auth {
    /// Nobody in particular.
    #[default]
    None,
    /// A user and a password, sent with every request.
    Basic {
        /// The user.
        user: String,
        /// The password.
        #[serde(deserialize_with = "hidden")]
        password: Secret,
    },
    /// A token that does not change, sent with every request.
    Bearer {
        /// The token.
        #[serde(deserialize_with = "hidden")]
        token: Secret,
    },
    /// A header of the system's own with a key.
    Header {
        /// Its name.
        name: String,
        /// The key.
        #[serde(deserialize_with = "hidden")]
        value: Secret,
    },
    /// OAuth 2.0: a token that is fetched with the credentials of the client.
    ClientCredentials {
        /// Where tokens are fetched.
        token_url: String,
        /// The client.
        client_id: String,
        /// Its secret.
        #[serde(deserialize_with = "hidden")]
        client_secret: Secret,
        /// What the token is for: `https://org.crm.dynamics.com/.default`.
        #[serde(default)]
        scope: Option<String>,
        /// The older name for that, where a server wants it.
        #[serde(default)]
        resource: Option<String>,
        /// Send the credentials as a header and not in the form.
        #[serde(default)]
        credentials_as_header: bool,
    },
}

fn hidden<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// A header with a secret in it, and which token it holds.
pub(super) struct Proof {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
    pub(super) token: u64,
}

#[derive(Debug)]
struct Token {
    secret: Secret,
    number: u64,
    good_until: Option<Instant>,
}

/// Makes the header that says who we are.
#[derive(Debug)]
pub(super) struct Authorizer {
    auth: Auth,
    insecure: bool,
    /// Held while a token is fetched, so that all who need one wait for the same.
    token: futures::lock::Mutex<Option<Token>>,
    /// The tokens of now, to be taken out of what is shown.
    known: Mutex<Vec<Secret>>,
}

impl Authorizer {
    /// Errors: a header name or token address that cannot be; a token address that is not encrypted.
    pub(super) fn new(auth: Auth, insecure: bool) -> Result<Self> {
        let mut known = Vec::new();
        match &auth {
            Auth::None => {}
            Auth::Basic { user, password } => {
                if user.contains(':') {
                    return Err(Error::configuration("a user name of `basic` cannot have a colon"));
                }
                known.extend([password.clone(), basic(user, password)]);
            }
            Auth::Bearer { token } => known.push(token.clone()),
            Auth::Header { name, value } => {
                name.parse::<HeaderName>().map_err(|problem| {
                    Error::configuration(format!("{name:?} is no name of a header")).caused_by(problem)
                })?;
                known.push(value.clone());
            }
            Auth::ClientCredentials { token_url, client_id, client_secret, .. } => {
                let url = Url::parse(token_url).map_err(|problem| {
                    Error::configuration("`token_url` cannot be read").caused_by(problem)
                })?;
                safe(&url, insecure).map_err(|error| error.at("setting", "token_url"))?;
                known.extend([client_secret.clone(), basic(client_id, client_secret)]);
            }
        }
        let authorizer =
            Self { auth, insecure, token: futures::lock::Mutex::new(None), known: Mutex::new(known) };
        authorizer.fixed()?;
        Ok(authorizer)
    }

    /// What must be taken out of texts that are shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The header to send with a request.
    pub(super) async fn proof(&self, http: &reqwest::Client, counters: &Counters) -> Result<Option<Proof>> {
        let Auth::ClientCredentials { .. } = &self.auth else { return self.fixed() };
        let mut token = self.token.lock().await;
        let good = token
            .as_ref()
            .is_some_and(|token| token.good_until.is_none_or(|until| Instant::now() + TOKEN_MARGIN < until));
        if !good {
            let number = token.as_ref().map_or(1, |token| token.number + 1);
            let fetched = self.fetch(http, counters, number).await?;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(old) = token.as_ref() {
                known.retain(|secret| secret.reveal() != old.secret.reveal());
            }
            known.push(fetched.secret.clone());
            *token = Some(fetched);
        }
        match token.as_ref() {
            Some(token) => {
                let text = format!("Bearer {}", token.secret.reveal());
                proof(AUTHORIZATION, &text, token.number).map(Some)
            }
            None => Ok(None),
        }
    }

    /// A request with this token was refused: it is not used again. Whether another one can be had.
    pub(super) async fn forget(&self, number: u64) -> bool {
        let Auth::ClientCredentials { .. } = &self.auth else { return false };
        if let Some(token) = self.token.lock().await.as_mut()
            && token.number == number
        {
            token.good_until = Some(Instant::now());
        }
        true
    }

    fn fixed(&self) -> Result<Option<Proof>> {
        match &self.auth {
            Auth::None | Auth::ClientCredentials { .. } => Ok(None),
            Auth::Basic { user, password } => {
                proof(AUTHORIZATION, &format!("Basic {}", basic(user, password).reveal()), 0).map(Some)
            }
            Auth::Bearer { token } => {
                proof(AUTHORIZATION, &format!("Bearer {}", token.reveal()), 0).map(Some)
            }
            Auth::Header { name, value } => match name.parse::<HeaderName>() {
                Ok(name) => proof(name, value.reveal(), 0).map(Some),
                Err(_) => Err(Error::configuration("the header of `auth` has no good name")),
            },
        }
    }

    async fn fetch(&self, http: &reqwest::Client, counters: &Counters, number: u64) -> Result<Token> {
        let Auth::ClientCredentials {
            token_url,
            client_id,
            client_secret,
            scope,
            resource,
            credentials_as_header,
        } = &self.auth
        else {
            return Err(Error::new(ErrorKind::Internal, "no token is needed"));
        };
        let url = Url::parse(token_url)
            .map_err(|problem| Error::configuration("`token_url` cannot be read").caused_by(problem))?;
        safe(&url, self.insecure)?;
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(resource.as_deref().map(|resource| ("resource", resource)));
        let mut request = http.post(url);
        if *credentials_as_header {
            let credentials = format!("Basic {}", basic(client_id, client_secret).reveal());
            let proof = proof(AUTHORIZATION, &credentials, 0)?;
            request = request.header(proof.name, proof.value);
        } else {
            form.extend([("client_id", client_id.as_str()), ("client_secret", client_secret.reveal())]);
        }
        counters.sent(1);
        let unavailable = |problem: reqwest::Error| {
            Error::new(ErrorKind::Unavailable, "no token could be fetched")
                .with_remedy("check `token_url`, and that it can be reached")
                .caused_by(problem.without_url())
        };
        let answer = request.form(&form).send().await.map_err(unavailable)?;
        let code = answer.status().as_u16();
        let waits = answer.headers().get("retry-after").and_then(|header| header.to_str().ok());
        let waits = waits.and_then(|header| wait(header, std::time::SystemTime::now().into()));
        let body = super::client::body(answer, TOKEN_BYTES_MAX, counters).await?;
        if code != 200 {
            return Err(self.refused(code, waits, &body));
        }
        let read: Fetched = serde_json::from_slice(&body).map_err(|_| {
            Error::data("the answer of the token server cannot be read").with_remedy("check `token_url`")
        })?;
        let life = read.expires_in.map(|Seconds(seconds)| Duration::from_secs(seconds));
        Ok(Token {
            secret: Secret::new(read.access_token),
            number,
            good_until: life.and_then(|life| Instant::now().checked_add(life)),
        })
    }

    fn refused(&self, code: u16, waits: Option<Duration>, body: &[u8]) -> Error {
        let kind = match code {
            400 | 401 | 403 => ErrorKind::Permission,
            other => status::kind(other).0,
        };
        let error = Error::new(kind, format!("the token server refused the client (status {code})"))
            .with_remedy("check `client_id`, `client_secret` and `scope`")
            .caused_by(excerpt(body, &self.secrets()));
        match waits {
            Some(wait) => error.with_retry(seamless_core::model::Retry::After(wait)),
            None => error,
        }
    }
}

#[derive(Deserialize)]
struct Fetched {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// A number, or its text.
struct Seconds(u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        let seconds = json.as_f64().or_else(|| json.as_str()?.parse().ok());
        Ok(Self(seconds.map_or(0, |seconds: f64| seconds.max(0.0) as u64)))
    }
}

fn basic(user: &str, password: &Secret) -> Secret {
    Secret::new(base64::standard(format!("{user}:{}", password.reveal()).as_bytes()))
}

fn proof(name: HeaderName, text: &str, token: u64) -> Result<Proof> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::configuration("the secret of `auth` has a character in it that no header can have")
            .with_remedy("check for a line break at its end")
    })?;
    value.set_sensitive(true);
    Ok(Proof { name, value, token })
}

#[cfg(test)]
mod tests {
    use super::{Auth, Authorizer};

    fn read(json: &str) -> Result<Auth, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn no_secret_of_a_configuration_is_shown() {
        for json in [
            r#"{"kind":"basic","user":"sync","password":"s3cret-pw"}"#,
            r#"{"kind":"bearer","token":"s3cret-pw"}"#,
            r#"{"kind":"header","name":"x-api-key","value":"s3cret-pw"}"#,
            r#"{"kind":"client_credentials","token_url":"https://a.example/t","client_id":"c","client_secret":"s3cret-pw"}"#,
        ] {
            let auth = read(json).unwrap();
            assert!(!format!("{auth:?}").contains("s3cret"), "{auth:?}");
            let authorizer = Authorizer::new(auth, false).unwrap();
            assert!(!format!("{authorizer:?}").contains("s3cret"));
            assert!(authorizer.secrets().iter().any(|secret| secret.reveal() == "s3cret-pw"));
        }
    }

    #[test]
    fn what_cannot_be_is_refused_without_showing_it() {
        for json in [
            r#"{"kind":"bearer","token":"s3cret\npw"}"#,
            r#"{"kind":"header","name":"x y","value":"s3cret"}"#,
            r#"{"kind":"client_credentials","token_url":"http://a.example/t","client_id":"c","client_secret":"s3cret"}"#,
        ] {
            let error = Authorizer::new(read(json).unwrap(), false).unwrap_err();
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
        assert!(read(r#"{"kind":"basic","user":"a","password":"b","pasword":"c"}"#).is_err());
    }
}

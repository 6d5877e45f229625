//! What a system wants to be sent again: cookies, and a token against forged requests (CSRF) that must come with every
//! write, with the cookies that it was made for. Kept for the configured origin only, and wiped with the client.

use std::sync::{Mutex, PoisonError};

use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use seamless_core::secret::Secret;

/// The header of the token, both ways.
pub(super) const TOKEN: &str = "x-csrf-token";
/// Cookies at most: a system that sets more is not understood.
const COOKIES_MAX: usize = 32;
/// Bytes of one cookie at most.
const COOKIE_BYTES_MAX: usize = 4096;

#[derive(Debug, Default)]
struct Held {
    token: Option<Secret>,
    cookies: Vec<(String, Secret)>,
}

/// The session of a client.
#[derive(Debug, Default)]
pub(super) struct Session(Mutex<Held>);

impl Session {
    /// Keeps the cookies of an answer. A cookie that is set to nothing goes.
    pub(super) fn keep(&self, headers: &HeaderMap) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for header in headers.get_all(SET_COOKIE) {
            let Some((name, value)) = header.to_str().ok().and_then(cookie) else { continue };
            held.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() && held.cookies.len() < COOKIES_MAX {
                held.cookies.push((name.to_owned(), Secret::new(value.to_owned())));
            }
        }
    }

    /// Keeps the token of an answer; whether there was one.
    pub(super) fn keep_token(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(TOKEN).and_then(|token| token.to_str().ok());
        let token = token.filter(|token| !token.eq_ignore_ascii_case("required") && !token.is_empty());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.token = token.map(|token| Secret::new(token.to_owned()));
        held.token.is_some()
    }

    /// The header with the token, where there is one.
    pub(super) fn token(&self) -> Option<HeaderValue> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sensitive(held.token.as_ref()?.reveal())
    }

    /// The header with the cookies, where there are any.
    pub(super) fn cookies(&self) -> Option<HeaderValue> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> =
            held.cookies.iter().map(|(name, value)| format!("{name}={}", value.reveal())).collect();
        if pairs.is_empty() { None } else { sensitive(&pairs.join("; ")) }
    }

    /// What must be taken out of texts that are shown.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.cookies.iter().map(|(_, value)| value.clone()).chain(held.token.clone()).collect()
    }
}

/// Whether an answer says that a token is needed, or another one.
pub(super) fn needs_token(status: u16, headers: &HeaderMap) -> bool {
    let said = headers.get(TOKEN).and_then(|token| token.to_str().ok());
    status == 403 && said.is_some_and(|said| said.eq_ignore_ascii_case("required"))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The name and value of a `Set-Cookie` header; its attributes are not looked at, since it goes to one origin only.
fn cookie(header: &str) -> Option<(&str, &str)> {
    let (name, value) = header.split(';').next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty() && header.len() <= COOKIE_BYTES_MAX).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

    use super::{Session, TOKEN, needs_token};

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn cookies_are_sent_again_until_they_are_taken_back() {
        let session = Session::default();
        let set = SET_COOKIE.as_str();
        session.keep(&headers(&[(set, "a=1; Path=/; HttpOnly"), (set, "b=2"), (set, "no cookie")]));
        assert_eq!(session.cookies().unwrap().to_str().unwrap(), "a=1; b=2");
        session.keep(&headers(&[(set, "a=; Max-Age=0"), (set, "b=3")]));
        assert_eq!(session.cookies().unwrap(), "b=3");
        assert!(!format!("{session:?} {:?}", session.cookies()).contains("b=3"));
    }

    #[test]
    fn a_token_is_kept_and_a_demand_for_one_is_seen() {
        let session = Session::default();
        assert!(session.keep_token(&headers(&[(TOKEN, "t0k")])) && session.token().unwrap() == "t0k");
        assert!(!session.keep_token(&headers(&[(TOKEN, "Required")])) && session.token().is_none());
        assert!(needs_token(403, &headers(&[(TOKEN, "Required")])));
        assert!(!needs_token(403, &headers(&[])) && !needs_token(400, &headers(&[(TOKEN, "required")])));
    }
}

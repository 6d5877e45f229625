//! A wire between the connector and its server that can be cut: when the next request comes, or when its answer does. Bytes
//! are passed on as they are; nothing is known of what they mean.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use seamless_core::Result;
use seamless_core::testkit::connector_kit::{Torn, Wire};

#[derive(Clone)]
pub(crate) struct Proxy {
    port: u16,
    next: Arc<Mutex<Option<Torn>>>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), next: Arc::default() };
        let next = Arc::clone(&proxy.next);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) else {
                    continue;
                };
                let (up, down) =
                    ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
                let (ups, downs) = (Arc::clone(&next), Arc::clone(&next));
                std::thread::spawn(move || pass(up.0, up.1, &ups, &[Torn::Request]));
                std::thread::spawn(move || {
                    pass(down.0, down.1, &downs, &[Torn::Answer, Torn::Read, Torn::Fetch])
                });
            }
        });
        proxy
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Passes bytes on until it is time to cut.
fn pass(mut from: TcpStream, mut to: TcpStream, next: &Mutex<Option<Torn>>, cuts: &[Torn]) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let is_cut = next.lock().unwrap().take_if(|torn| cuts.contains(torn)).is_some();
        if is_cut || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[async_trait]
impl Wire for Proxy {
    async fn cut(&self, torn: Torn) -> Result<bool> {
        *self.next.lock().unwrap() = Some(torn);
        Ok(true)
    }
}
